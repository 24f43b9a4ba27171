"""The page of `demeanor eval view`, run by Streamlit: it lays out what eval/viewing.py makes."""

import os
from pathlib import Path

import streamlit as st

from demeanor.eval import viewing
from demeanor.explain.errors import DemeanorError

FOLDER = "DEMEANOR_RUNS"  # which folder is looked through, as the command says it


def main() -> None:
    st.set_page_config(page_title="Demeanor runs", layout="wide")
    st.title("Runs")
    root = Path(st.text_input("Folder of runs", os.environ.get(FOLDER, "runs")))
    runs = {}
    for folder in viewing.find_runs(root):
        try:
            runs[folder.name] = viewing.read_run(folder)
        except DemeanorError as error:
            st.warning(str(error))
    if not runs:
        st.info(f"No run in {root}. Make one with:  demeanor eval emer --data … --out {root}")
        return
    boards, one, two = st.tabs(["Leaderboard", "One run", "Two runs"])
    with boards:
        show_boards(list(runs.values()))
    with one:
        show_run(runs[st.selectbox("Run", list(runs))])
    with two:
        show_two(runs)


def show_boards(runs: list[viewing.Viewed]) -> None:
    st.caption("Only runs of one signature stand in one table: others cannot be compared.")
    for line, rows in viewing.boards(runs).items():
        st.code(line, language=None)
        st.dataframe(rows, hide_index=True)


def show_run(run: viewing.Viewed) -> None:
    st.subheader(run.about["title"])
    st.caption(f"{run.about['system']['model']} · {run.how}")
    st.code(run.about["signature_line"], language=None)
    st.dataframe(viewing.score_rows(run), hide_index=True)
    for note in run.report["notes"]:
        st.caption(note)
    st.subheader("What was dropped")
    st.dataframe(viewing.dropped(run), hide_index=True)
    show_confusion(run)
    st.subheader("Samples")
    st.dataframe(viewing.sample_rows(run), hide_index=True)
    if run.answers:
        show_answer(run.answers[st.selectbox("Sample", list(run.answers))])
    page = viewing.to_html(run)
    st.download_button("This run as HTML", page, f"{run.name}.html", "text/html")


def show_confusion(run: viewing.Viewed) -> None:
    found = viewing.confusion(run)
    if found is None:
        st.subheader("What was said for what")
        st.dataframe(viewing.confused_pairs(run), hide_index=True)
        return
    golds, answers, counts = found
    st.subheader("Gold by answer")
    rows = [
        {"gold": gold, **dict(zip(answers, row, strict=True))}
        for gold, row in zip(golds, counts, strict=True)
    ]
    st.dataframe(rows, hide_index=True)


def show_answer(answer: "viewing.Mapping[str, viewing.Any]") -> None:
    st.caption("What the model read")
    st.code(answer["timeline"], language=None, wrap_lines=True)
    st.caption("What it claims, and whether what it cites backs that")
    st.dataframe(viewing.claim_rows(answer), hide_index=True)


def show_two(runs: dict[str, viewing.Viewed]) -> None:
    names = list(runs)
    left, right = st.columns(2)
    first = left.selectbox("First", names)
    second = right.selectbox("Second", names, index=len(names) - 1)
    force = st.checkbox("Compare in spite of different signatures")
    try:
        compared, rows = viewing.beside(runs[first], runs[second], force)
    except DemeanorError as error:
        st.error(str(error))
        return
    st.caption(f"Over {compared.n_both} samples that both scored; one alone: {compared.n_one}.")
    st.dataframe(viewing.difference_rows(compared), hide_index=True)
    st.dataframe(rows, hide_index=True)


if __name__ == "__main__":
    main()
