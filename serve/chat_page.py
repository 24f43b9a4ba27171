"""The page of `demeanor serve`, run by Streamlit: layout only. What is shown is made by
serve/chat_state.py; everything that is done, the API does (serve/client.py).

What strangers wrote is shown by elements that take plain text or by our own component; never as
Markdown, in which a file's name could load a picture from elsewhere.
"""

import os
from collections.abc import Sequence
from typing import Any

import streamlit as st

from demeanor.explain.result import Result
from demeanor.serve import chat_state, client, page_process, player
from demeanor.serve.chat_state import Progress, Target
from demeanor.serve.client import ApiError, Client, Explained, Wish

DEMO = "demo"
_LABELS = "rafdb7"  # the server's own default, named so that the choice shows it
state = st.session_state


def main() -> None:
    st.set_page_config(page_title="Demeanor", layout="wide", initial_sidebar_state="collapsed")
    st.html(f"<style>{player.asset('page.css')}</style>")
    st.html(f'<header class="dm-head"><b>Demeanor</b><span>{chat_state.WHAT_IT_IS}</span></header>')
    try:
        _page(_client())
    except ApiError as error:
        _trouble(error)


def _page(api: Client) -> None:
    if "session" not in state:
        _welcome(api)
    elif state.get("pending"):
        _explain(api, *state.pending)
    elif state.get("clip_id") not in state.setdefault("explained", {}):
        _welcome(api)
    elif state.get("beside") in state.explained and state.beside != state.clip_id:
        _bar(api)
        _compare(api)
    else:
        _bar(api)
        _clip(api, state.explained[state.clip_id])


def _client() -> Client:
    if "client" not in state:
        address = os.environ.get(page_process.API, "http://127.0.0.1:8000")
        state.client = client.Client(address, os.environ.get(page_process.TOKEN, ""))
    return state.client  # type: ignore[no-any-return]


def _trouble(error: ApiError) -> None:
    """What went wrong, in the server's words, with what can be done from here."""
    state.pending = None
    _alert(str(error))
    if error.session_over:
        st.button("Begin a new session", on_click=_start_over, type="primary")
    else:
        st.button("Try again", type="primary", help="Nothing that was measured is lost.")


def _alert(text: str) -> None:
    st.html(chat_state.alert(text))


def _known(api: Client, what: str) -> Any:
    """Limits, models and label sets: asked once, they do not change while the engine runs."""
    key = f"known_{what}"
    if key not in state:
        state[key] = getattr(api, what)()
    return state[key]


# The first thing that is seen ---------------------------------------------------------------


def _welcome(api: Client) -> None:
    limits = _known(api, "limits")
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.subheader("Ask why about a clip")
        chosen = _purpose()
        upload = _choice(limits)
        ready = chosen is not None and (upload is not None or state.which != "own")
        cue_only = chosen is not None and chosen.cue_only
        st.button(
            "Measure the clip" if cue_only else "Explain the clip",
            type="primary",
            disabled=not ready,
            on_click=_begin,
            args=(api, upload),
            key="go",
        )
        if problem := state.pop("problem", None):
            _alert(problem)
    with right:
        st.html(f'<div class="dm-what">{player.asset("welcome.html")}</div>')


def _purpose() -> chat_state.Purpose | None:
    """Chosen once for a session: another purpose is another session."""
    if "session" in state:
        purpose = chat_state.purpose(state.session["purpose"])
        st.text(f"Purpose of this session: {purpose.name}")
        st.button("Choose another purpose", on_click=_start_over, type="tertiary")
        return purpose
    chosen: chat_state.Purpose | None = st.radio(
        "What is it for?",
        chat_state.PURPOSES,
        index=None,
        format_func=lambda p: p.name,
        captions=[p.why for p in chat_state.PURPOSES],
        key="purpose",
    )
    if chosen is not None and chosen.cue_only:
        st.info("Cues only: no emotion will be inferred.", icon=":material/block:")
    return chosen


def _choice(limits: dict[str, Any]) -> Any:
    which = st.segmented_control(
        "Which clip?",
        ("demo", "own"),
        default="demo",
        format_func={"demo": "The demo clip (a drawn face, 14 s)", "own": "One of my own"}.get,
        key="which",
    )
    return _uploader(limits, "first") if which == "own" else None


def _uploader(limits: dict[str, Any], key: str) -> Any:
    """The file, unless the server would refuse it: that is said before it is sent on."""
    found = st.file_uploader(
        "A clip, a sound or a picture",
        type=[str(t).lstrip(".") for t in limits.get("types", ())] or None,
        key=f"upload-{key}",
    )
    st.caption(chat_state.limits_line(limits))
    refused = chat_state.too_large(found.name, found.size, limits) if found else None
    if refused:
        _alert(refused)
    return None if refused else found


def _begin(api: Client, upload: Any) -> None:
    try:
        if "session" not in state:
            state.session = api.begin(state.purpose.value)
        clip_id = DEMO if upload is None else str(api.upload(upload.name, upload)["clip_id"])
    except ApiError as error:
        state.problem = str(error)
        if error.session_over:
            state.pop("session", None)  # a purpose is chosen anew
        return
    state.pending = (clip_id, _wish())


def _wish(**more: Any) -> Wish:
    chat = state.get("chat") or os.environ.get(page_process.CHAT) or None
    return Wish(chat, state.get("labels"), state.get("language"), **more)


def _start_over() -> None:
    kept = {key: state[key] for key in state if str(key).startswith("known_")}
    state.clear()
    state.update(kept)


# While somebody waits -----------------------------------------------------------------------


def _explain(api: Client, clip_id: str, wish: Wish) -> None:
    """Stages with what was found, then the reasoner's words as they come."""
    with st.container(key="waiting"):  # another kind of block than before: nothing old stays
        name = "the demo clip" if clip_id == DEMO else str(api.clip(clip_id)["name"])
        st.text(f"Looking at {name}")
        place = st.empty()
        st.button("Stop", on_click=_stop, help="Frees the engine at once.")
        told, found = Progress(), None
        for event in api.explain(clip_id, wish):
            if event.name == "stage":
                told = told.with_stage(event.data)
            elif event.name == "text":
                told = told.with_words(event.data)
            elif event.name == "result":
                found = client.explained(event.data)
            place.html(told.as_html())
    if found is None:
        raise ApiError("the explanation ended without a result. Ask for it again")
    state.setdefault("explained", {})[clip_id] = found
    state.clip_id, state.pending, state.without = clip_id, None, None
    state.pop("person", None)
    st.rerun()


def _stop() -> None:
    state.pending = None


# What is chosen -----------------------------------------------------------------------------


def _bar(api: Client) -> None:
    cards = {card["clip_id"]: card for card in api.clips()}
    state.chosen = state.clip_id  # a widget's own value is lost in runs that do not show it
    with st.container(horizontal=True, key="bar", vertical_alignment="center"):
        st.selectbox(
            "Clip",
            [clip_id for clip_id in cards if clip_id in state.explained],
            format_func=lambda clip_id: chat_state.clip_name(cards[clip_id]),
            key="chosen",
            label_visibility="collapsed",
            width=300,
            on_change=_other_clip,
        )
        with st.popover("Another clip"):
            _another(api, cards)
        if not chat_state.purpose(state.session["purpose"]).cue_only:
            with st.popover("Reasoner and labels"):
                _reasoner(api)
        if len(state.explained) > 1:
            with st.popover("Compare"):
                _beside(cards)
        with st.popover("Save"):
            _save(api)
        with st.popover("Purpose and notice"):
            _about_purpose(api)


def _other_clip() -> None:
    state.clip_id, state.without = state.chosen, None
    state.pop("person", None)


def _another(api: Client, cards: dict[str, Any]) -> None:
    waiting = [clip_id for clip_id in cards if clip_id not in state.explained]
    for clip_id in waiting:
        name = chat_state.plain(chat_state.clip_name(cards[clip_id]))
        st.button(name, on_click=_ask_for, args=(clip_id,), key=f"open-{clip_id}")
    upload = _uploader(_known(api, "limits"), "next")
    verb = "Measure" if chat_state.purpose(state.session["purpose"]).cue_only else "Explain"
    st.button(f"{verb} it", disabled=upload is None, on_click=_begin, args=(api, upload), key="add")
    if problem := state.pop("problem", None):
        _alert(problem)
    if os.environ.get(page_process.LIVE):
        _camera(api)


def _camera(api: Client) -> None:
    """The camera's page is the API's own; what is explained there is a clip of this session."""
    if "live" not in state:
        state.live = api.live()
    st.link_button("Open the camera", state.live, icon=":material/videocam:")
    st.button("Look for clips of the camera", type="tertiary", help="They are listed above.")


def _ask_for(clip_id: str, person: str | None = None) -> None:
    state.pending = (clip_id, _wish(person=person))


def _reasoner(api: Client) -> None:
    models = [row["id"] for row in _known(api, "models")]
    sets = {row["name"]: row["labels"] for row in _known(api, "labels")}
    names = list(sets)
    chat, first = state.get("chat"), state.get("labels") or _LABELS
    with st.form("reasoner", border=False):
        chosen = st.selectbox("Who reasons", models, index=_place(models, chat))
        labels = st.selectbox(
            "Labels",
            names,
            index=_place(names, first),
            format_func=lambda name: f"{name}: {', '.join(sets[name])}",
        )
        language = st.selectbox(
            "Language that is spoken",
            list(chat_state.LANGUAGES),
            index=_place(list(chat_state.LANGUAGES), state.get("language")),
            format_func=chat_state.LANGUAGES.get,
        )
        everybody = st.checkbox("Explain everybody who is seen")
        if st.form_submit_button("Explain again", type="primary"):
            state.chat, state.labels, state.language = chosen, labels, language
            _ask_for(state.clip_id, "all" if everybody else None)
            st.rerun()


def _place(names: Sequence[Any], name: Any) -> int:
    return names.index(name) if name in names else 0


def _beside(cards: dict[str, Any]) -> None:
    others = [clip_id for clip_id in state.explained if clip_id != state.clip_id]
    st.radio(
        "Beside this clip",
        [None, *others],
        format_func=lambda i: "nothing" if i is None else chat_state.clip_name(cards[i]),
        key="beside",
    )


def _save(api: Client) -> None:
    clip_id = state.clip_id
    st.text("The explanation, the talk and your corrections:")
    for form in chat_state.EXPORTS:
        st.download_button(
            form.name,
            data=lambda form=form: api.export(clip_id, form.form),  # made when it is asked for
            file_name=f"demeanor-{clip_id[:12]}.{form.suffix}",
            mime=form.mime,
            on_click="ignore",
            key=f"save-{form.form}",
            width="stretch",
        )


def _about_purpose(api: Client) -> None:
    purpose = chat_state.purpose(state.session["purpose"])
    st.text(f"Purpose of this session: {purpose.name}")
    st.caption(chat_state.plain(purpose.why))
    notice = api.notice(purpose.value)
    st.download_button(
        "Notice to the people filmed",
        data=notice,
        file_name="notice.md",
        mime="text/markdown",
        on_click="ignore",
        key="notice",
    )
    with st.expander("Read it"):
        st.text(notice)
    st.button("Start over", on_click=_start_over, help="A new session, with a purpose of its own.")


# One clip -----------------------------------------------------------------------------------


def _clip(api: Client, explained: Explained) -> None:
    result, person = explained.result, _person(explained.result)
    left, right = st.columns([1, 1], gap="medium")
    with left, st.container(key="stage"):
        _player(api, explained, person, "player", _off())
    with right:
        _answer(explained, person)
        _talk(api, explained, person)
        if chat_state.explanation_of(result, person) is not None:
            _more(api, explained, person)


def _person(result: Result) -> str | None:
    chosen = state.get("person")
    known = [p.person for p in result.measurement.people]
    return chosen if chosen in known else chat_state.first_person(result)


def _off() -> tuple[str, ...]:
    without = state.get("without")
    return without[0] if without else ()


def _player(
    api: Client, explained: Explained, person: str | None, key: str, off: Sequence[str]
) -> None:
    card = api.clip(explained.clip_id)
    data = chat_state.player_data(card, explained.result, person, off, api.link)
    player.player(data, f"{key}-{explained.clip_id}", lambda: _choose(key, explained.clip_id))


def _choose(key: str, clip_id: str) -> None:
    if key == "player":
        state.person = state[f"{key}-{clip_id}"].get("person")
        state.without = None


def _answer(explained: Explained, person: str | None) -> None:
    result = explained.result
    blocks = chat_state.explanation_blocks(result, person)
    if explained.notice:
        blocks.insert(0, {"kind": "note", "title": "Please note.", "text": explained.notice})
    _cited(explained, blocks, f"answer-{person}")
    if result.explanations and chat_state.explanation_of(result, person) is None:
        st.button(
            "Explain everybody who is seen", on_click=_ask_for, args=(explained.clip_id, "all")
        )
    gaps = chat_state.not_measured(result, person)
    with st.expander(f"What could not be measured ({len(gaps)})"):
        st.caption("Silence about these is not calm: nothing is known of them.")
        _cited(explained, gaps, f"gaps-{person}")


def _cited(explained: Explained, blocks: list[chat_state.Block], key: str) -> None:
    titles = chat_state.titles(explained.result)
    player.cited(explained.clip_id, blocks, titles, f"{key}-{explained.clip_id}")


# Talk ---------------------------------------------------------------------------------------


def _talk(api: Client, explained: Explained, person: str | None) -> None:
    clip_id = explained.clip_id
    st.html('<h2 class="dm-h">Ask about this clip</h2>')
    turns = api.turns(clip_id)
    asking = state.pop("asking", None)
    if asking:
        turns = [*turns, {"role": "user", "text": asking}]
    if turns:
        _cited(explained, [chat_state.turn_block(turn) for turn in turns], "talk")
    if asking:
        with st.spinner("Looking it up …"):
            _put(api, clip_id, asking, person)
        st.rerun()
    asked = {str(turn.get("text")) for turn in turns}
    suggested = [s for s in api.suggestions(clip_id, person) if s not in asked][:4]
    with st.container(horizontal=True, key="suggestions", gap="small"):
        for number, question in enumerate(suggested):
            st.button(
                chat_state.plain(question),
                on_click=_ask,
                args=(question,),
                key=f"suggested-{number}",
            )
    most = _known(api, "limits").get("question_chars", 1000)
    typed = st.chat_input("When, how strong, why, why not …", key="question", max_chars=most)
    if typed:
        _ask(typed)
        st.rerun()
    if problem := state.pop("refused", None):
        _alert(problem)


def _ask(question: str) -> None:
    state.asking = question


def _put(api: Client, clip_id: str, question: str, person: str | None) -> None:
    """Both turns are kept by the server, and read back from it."""
    try:
        api.ask(clip_id, question, _wish(), person)
    except ApiError as error:
        if error.session_over:
            raise
        state.refused = str(error)


# What if, and corrections -------------------------------------------------------------------


def _more(api: Client, explained: Explained, person: str | None) -> None:
    what_if, correct = st.tabs(["What if this had not been there?", "Correct something"])
    with what_if:
        _what_if(api, explained, person)
    with correct:
        _correct(api, explained, person)


def _what_if(api: Client, explained: Explained, person: str | None) -> None:
    choices = chat_state.switchable(explained.result, person)
    off = st.multiselect(
        "Leave out",
        list(choices),
        format_func=choices.get,
        key=f"off-{explained.clip_id}-{person}",
        placeholder="observations, e.g. those that the conclusion cites",
    )
    st.button(
        "Reason without them",
        disabled=not off,
        on_click=_leave_out,
        args=(tuple(off),),
    )
    if wanted := state.pop("wanted_off", None):
        with st.spinner("The reasoner is asked anew …"):
            _reason_without(api, explained.clip_id, wanted, person)
        st.rerun()  # the timeline shows them as switched off
    if problem := state.pop("unreasoned", None):
        _alert(problem)
    if not state.get("without"):
        st.caption("What was measured stays; the reasoner is asked anew without what you choose.")
        return
    left_out, other = state.without
    before = chat_state.explanation_of(explained.result, person)
    after = chat_state.explanation_of(other.result, person)
    st.text(chat_state.difference(before, after).sentence)
    one, two = st.columns(2)
    with one:
        blocks = chat_state.conclusion_blocks(explained.result, person, "With all of them")
        _cited(explained, blocks, "before")
    with two:
        heading = chat_state.without_line(left_out)
        blocks = chat_state.conclusion_blocks(other.result, person, heading)
        _cited(explained, blocks, "after")


def _leave_out(off: tuple[str, ...]) -> None:
    state.wanted_off = off


def _reason_without(api: Client, clip_id: str, off: tuple[str, ...], person: str | None) -> None:
    try:
        for event in api.explain(clip_id, _wish(off=off, person=person)):
            if event.name == "result":
                state.without = (off, client.explained(event.data))
    except ApiError as error:
        state.unreasoned = str(error)


def _correct(api: Client, explained: Explained, person: str | None) -> None:
    e = chat_state.explanation_of(explained.result, person)
    sets = {row["name"]: row["labels"] for row in _known(api, "labels")}
    known = chat_state.targets(explained.result, person, sets.get(e.label_set if e else "", ()))
    number = st.selectbox(
        "What is wrong", range(len(known)), format_func=lambda i: known[i].name, key="wrong"
    )
    if number is None:
        st.caption("There is nothing to correct.")
        return
    target = known[number]
    with st.form("correct", border=False, clear_on_submit=True):
        if target.choices:
            now = st.selectbox("It should be", target.choices)
        else:
            now = st.text_area("It should say", target.was, key=f"now-{number}")
        note = st.text_input("Why (optional)")
        if st.form_submit_button("Keep the correction"):
            _keep(api, explained.clip_id, target, now or "", note, person)
    if problem := state.pop("uncorrected", None):
        _alert(problem)
    for kept in api.corrections(explained.clip_id):
        st.text(f"Kept: {chat_state.correction_line(kept)}")


def _keep(
    api: Client, clip_id: str, target: Target, now: str, note: str, person: str | None
) -> None:
    if now.strip() in ("", target.was.strip()):
        state.uncorrected = "This is what it says now: change it first."
        return
    try:
        api.correct(clip_id, target.correction(now, note, person))
    except ApiError as error:
        state.uncorrected = str(error)


# Two clips ----------------------------------------------------------------------------------


def _compare(api: Client) -> None:
    for clip_id, column in zip((state.clip_id, state.beside), st.columns(2), strict=True):
        explained = state.explained[clip_id]
        person = chat_state.first_person(explained.result)
        with column:
            name = chat_state.clip_name(api.clip(clip_id))
            _cited(
                explained, chat_state.conclusion_blocks(explained.result, person, name), "beside"
            )
            _player(api, explained, person, "beside-player", ())


if __name__ == "__main__":
    main()
