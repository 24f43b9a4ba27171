"""The page of `demeanor eval view`, run by Streamlit: it lays out what eval/viewing.py makes.

What strangers wrote is shown by elements that take plain text, or as HTML that eval/exporting.py
escaped; never as Markdown, in which a label could load a picture from elsewhere.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from demeanor.eval import exporting, viewing
from demeanor.eval.runs import ANSWERS, FAILURES, PREDICTIONS, REPORT, RUN
from demeanor.eval.viewing import Outcome, Viewed
from demeanor.explain.errors import DemeanorError

FOLDER = "DEMEANOR_RUNS"  # which folder is looked through, as the command says it
BOARDS, ONE, TWO = "Leaderboard", "One run", "Two runs"
_MARKS = (RUN, REPORT, PREDICTIONS, ANSWERS, FAILURES)


def main() -> None:
    st.set_page_config(page_title="Demeanor runs", layout="wide")
    root = Path(os.environ.get(FOLDER, "runs"))
    runs, refused = viewing.read_runs(root, read_once)
    for reason in refused:
        st.text(f"Not shown: {reason}")
    if not runs:
        st.subheader("No runs here")
        st.text(f"{root} holds none. Make one with:\ndemeanor eval emer --data … --out {root}")
        return
    page = st.sidebar.radio("Demeanor runs", (BOARDS, ONE, TWO))
    st.sidebar.text(f"{len(runs)} runs in {root.resolve().name}")
    if page == BOARDS:
        show_boards(runs)
    elif page == ONE:
        show_run(runs[st.selectbox("Run", list(runs))])
    else:
        show_two(runs)


def read_once(folder: Path) -> Viewed:
    """The page runs anew with every click; a run is read again when its files changed."""
    return _read(str(folder), _stamp(folder))  # type: ignore[no-any-return]


def _stamp(folder: Path) -> tuple[int, ...]:
    files = (folder / name for name in _MARKS)
    return tuple(file.stat().st_mtime_ns if file.is_file() else 0 for file in files)


def _read_anew(folder: str, stamp: tuple[int, ...]) -> Viewed:
    return viewing.read_run(Path(folder))


_read = st.cache_resource(show_spinner=False, max_entries=200)(_read_anew)


def show_table(rows: list[viewing.Row]) -> None:
    """Of samples: ids are told whole."""
    wide = {"id": st.column_config.TextColumn(width="medium")}
    st.dataframe(rows, hide_index=True, column_config=wide)


# Leaderboard ----------------------------------------------------------------------------------


def show_boards(runs: dict[str, Viewed]) -> None:
    st.header(BOARDS)
    st.caption("Only runs of one signature stand in one table: others cannot be compared.")
    for line, same in viewing.boards(runs.values()).items():
        st.divider()
        st.text(same[0].about["title"])
        st.code(line, language=None, wrap_lines=True)
        st.dataframe(viewing.board_rows(same), hide_index=True)
        if points := viewing.interval_points(same):
            st.vega_lite_chart(_intervals(points, same[0].saved.scores[0].name))


def _intervals(points: list[viewing.Row], score: str) -> dict[str, Any]:
    """A dot and its interval a run; a tick where the constant answer stands."""
    y = {"field": "run", "type": "nominal", "sort": None, "title": None}
    x = {"field": "value", "type": "quantitative", "title": f"{score}; tick: constant answer"}
    return {
        "data": {"values": points},
        "height": {"step": 34},
        "encoding": {"y": {**y, "axis": {"labelLimit": 320}}},
        "layer": [
            {
                "mark": {"type": "rule", "strokeWidth": 3, "color": "#56b4e9"},
                "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}},
            },
            {
                "mark": {
                    "type": "point",
                    "filled": True,
                    "size": 90,
                    "color": "#0090d8",
                    "opacity": 1,
                },
                "encoding": {"x": x},
            },
            {
                "mark": {
                    "type": "tick",
                    "thickness": 3,
                    "size": 22,
                    "color": "#e8743b",
                    "opacity": 1,
                },
                "encoding": {"x": {**x, "field": "constant"}},
            },
        ],
    }


# One run --------------------------------------------------------------------------------------


def show_run(run: Viewed) -> None:
    st.text(f"{run.about['title']}\n{run.model} · {run.how}")
    st.code(run.about["signature_line"], language=None, wrap_lines=True)
    st.dataframe(viewing.score_rows(run), hide_index=True)
    with st.expander(f"What the reader should know ({len(run.report['notes'])})"):
        st.text("\n".join(f"– {note}" for note in run.report["notes"]))
    if judged := viewing.judged_rows(run):
        st.subheader("Judged")
        st.dataframe(judged, hide_index=True)
    show_samples(run)
    show_confusion(run)
    st.subheader("What was dropped")
    st.dataframe(viewing.dropped(run), hide_index=True)
    page = exporting.to_html(run)
    st.download_button("This run as HTML", page, f"{run.name}.html", "text/html")


def show_samples(run: Viewed) -> None:
    st.subheader("Samples")
    counts = viewing.outcome_counts(run)
    kinds = [kind.value for kind in counts]
    wanted = st.multiselect("Show", kinds, kinds, format_func=_counted(counts))
    rows = viewing.sample_rows(run, [Outcome(kind) for kind in wanted])
    show_table(rows)
    answered = [row["id"] for row in rows if row["id"] in run.answers]
    if answered:
        st.subheader("One answer")
        st.html(exporting.answer_html(run.answers[st.selectbox("Sample", answered)]))


def _counted(counts: dict[Outcome, int]) -> Callable[[str], str]:
    return lambda kind: f"{kind} ({counts[Outcome(kind)]})"


def show_confusion(run: Viewed) -> None:
    if table := exporting.confusion_html(run):
        st.subheader("Gold by answer")
        st.html(table)
    elif pairs := viewing.confused_pairs(run):
        st.subheader("What was said instead")
        st.caption("Words as they stand; the score holds some of them for the same.")
        st.dataframe(pairs, hide_index=True)


# Two runs -------------------------------------------------------------------------------------


def show_two(runs: dict[str, Viewed]) -> None:
    st.header(TWO)
    names = list(runs)
    left, right = st.columns(2)
    first = runs[left.selectbox("First", names)]
    second = runs[right.selectbox("Second", names, index=len(names) - 1)]
    force = st.checkbox("Compare in spite of different signatures")
    show_differences(first, second, force)
    rows = viewing.both_rows(first, second)
    if not rows:
        st.text("They have no sample in common.")
        return
    st.subheader("Samples, where they differ first")
    show_table(rows)
    name = st.selectbox("Sample", [row["id"] for row in rows])
    for column, run in zip(st.columns(2), (first, second), strict=True):
        column.text(run.name)
        if name in run.answers:
            column.html(exporting.answer_html(run.answers[name]))
        else:
            column.text("no answer")


def show_differences(first: Viewed, second: Viewed, force: bool) -> None:
    if differing := viewing.apart(first, second):
        told = "Compared by force" if force else "Not compared"
        st.warning(
            f"{told}: they were not scored in the same way, so figures side by side mislead."
        )
        st.dataframe(differing, hide_index=True)
        if not force:
            return
    try:
        compared = viewing.beside(first, second, force)
    except DemeanorError as error:
        st.text(f"Not compared: {error}")
        return
    st.text(
        f"Second less first, over {compared.n_both} samples that both scored "
        f"(one alone: {compared.n_one}); intervals and p: bootstrap over pairs."
    )
    st.dataframe(viewing.difference_rows(compared), hide_index=True)


if __name__ == "__main__":
    main()
