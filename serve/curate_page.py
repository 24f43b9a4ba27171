"""The page of `demeanor data curate`: a row beside its clip. Layout only; the decisions are made
in data_engine/curate.py.

Keys: a accept, m save what was mended, x reject, n next, p previous, o the next one undecided.
"""

import sys
from pathlib import Path

import streamlit as st

from demeanor.data_engine.curate import Candidate, Curation, Told, told, write_curated
from demeanor.data_engine.records import ExpCoTExample

_PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
_SOUNDS = (".wav", ".mp3", ".m4a", ".ogg", ".flac")
_MARKS = {True: "✓", False: "✗", None: "–"}


def page(folder: str, media: str | None = None) -> None:
    st.set_page_config(page_title="Demeanor: curate", layout="wide")
    state = st.session_state
    if "curation" not in state:
        state.curation = Curation(Path(folder))
        state.number = state.curation.first_open()
    curation: Curation = state.curation
    if not curation.candidates:
        st.info("There is no row in this folder.")
        return
    candidate = curation.candidates[state.number]
    _head(curation, candidate)
    left, right = st.columns([2, 3])
    with left:
        _clip(candidate.row, Path(media) if media else None)
    with right:
        _text(curation, candidate)


def _head(curation: Curation, candidate: Candidate) -> None:
    number, n = st.session_state.number, len(curation.candidates)
    decided = curation.state(candidate.row.example_id)
    st.subheader(f"{number + 1} of {n}: {', '.join(candidate.row.labels) or 'no label'}")
    st.caption(
        f"{candidate.row.origin.path} · {len(curation.decided)} decided · this one: "
        f"{decided.decision if decided else 'undecided'}"
    )
    for reason in candidate.rejected_for:
        st.warning(_plain(f"Rejected by the build: {reason}"))
    columns = st.columns(5)
    columns[0].button("Previous", shortcut="p", on_click=_go, args=(-1,), key="previous")
    columns[1].button("Next", shortcut="n", on_click=_go, args=(1,), key="next")
    columns[2].button("Next undecided", shortcut="o", on_click=_to_open, key="open")
    columns[3].button("Accept", shortcut="a", on_click=_accept, key="accept", type="primary")
    columns[4].button("Reject", shortcut="x", on_click=_reject, key="reject")


def _clip(row: ExpCoTExample, media: Path | None) -> None:
    path = media / row.origin.path if media and row.origin.path else None
    if path is None or not path.is_file():
        st.info("The clip is not here: name its folder with --media.")
    elif path.suffix.lower() in _PICTURES:
        st.image(str(path))
    elif path.suffix.lower() in _SOUNDS:
        st.audio(str(path))
    else:
        st.video(str(path))
    asked = [m.content for m in row.messages if m.role == "user"][:1]
    lines = [line for text in asked for line in text.splitlines() if line.startswith("| ")]
    st.text("\n".join(line.removeprefix("| ") for line in lines))


def _text(curation: Curation, candidate: Candidate) -> None:
    row, shown = candidate.row, told(candidate.row)
    decided = curation.state(row.example_id)
    key = f"{row.example_id}-{decided.decision if decided else ''}"
    seen = st.text_area("Key observations", shown.observations, height=220, key=f"seen-{key}")
    weighed = st.text_area("Interpretation", shown.interpretation, height=180, key=f"weighed-{key}")
    concluded = st.text_area("Conclusion", shown.conclusion, height=80, key=f"concluded-{key}")
    st.text_input("Note", key="note")
    text = Told(seen, weighed, concluded)
    st.button("Save what was mended", shortcut="m", on_click=_mend, args=(text,), key="mend")
    for problem in st.session_state.pop("problems", []):
        st.error(_plain(problem))
    with st.expander("Checks and evidence", expanded=bool(row.failed)):
        for check in row.checks:
            st.text(f"{_MARKS[check.passed]} {check.name}: {check.reason or ''}")
        for evidence in row.evidence:
            st.text(f"{evidence.grounding}: {evidence.claim}")
    st.button("Write curated.jsonl and preferences.jsonl", on_click=_write, key="write")
    for line in st.session_state.pop("written", []):
        st.success(_plain(line))


def _plain(text: str) -> str:
    """A stranger's words in a place that reads Markdown."""
    return "".join(f"\\{c}" if c in r"\`*_{}[]()#+-.!<>|$~:" else c for c in text)


# What the buttons do ----------------------------------------------------------------------------


def _go(step: int) -> None:
    state = st.session_state
    state.number = (state.number + step) % len(state.curation.candidates)


def _to_open() -> None:
    st.session_state.number = st.session_state.curation.first_open()


def _current() -> str:
    state = st.session_state
    example_id: str = state.curation.candidates[state.number].row.example_id
    return example_id


def _accept() -> None:
    st.session_state.curation.accept(_current(), st.session_state.get("note", ""))
    _go(1)


def _reject() -> None:
    st.session_state.curation.reject(_current(), st.session_state.get("note", ""))
    _go(1)


def _mend(text: Told) -> None:
    state = st.session_state
    failed = state.curation.mend(_current(), text, state.get("note", ""))
    if failed:
        state.problems = [f"{check.name}: {check.reason}" for check in failed]
    else:
        _go(1)


def _write() -> None:
    rows, pairs, counts = write_curated(st.session_state.curation)
    said = ", ".join(f"{name} {n}" for name, n in counts.items())
    st.session_state.written = [f"{rows}: {said}", str(pairs)]


if __name__ == "__main__":
    page(*sys.argv[1:3])
