"""The two parts of the page that Streamlit has no element for: a clip that can be sought, beside
its timeline; and sentences whose citations seek it.

Both are components in the page itself (no frame). A citation reaches the player within the
browser, so that a click needs no run of the page. Data is plain; the scripts show it as text.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any

import streamlit as st

from demeanor.serve.chat_state import Block


def asset(name: str) -> str:
    return files("demeanor.serve").joinpath("page", name).read_text("utf-8")


_player = st.components.v2.component(
    "demeanor_player",
    html='<div class="player"></div>',
    css=asset("player.css"),
    js=asset("player.js"),
)
_cited = st.components.v2.component(
    "demeanor_cited",
    html='<div class="cited"></div>',
    css=asset("cited.css"),
    js=asset("cited.js"),
)


def player(data: Mapping[str, Any], key: str, on_person: Callable[[], None]) -> None:
    """A clip above its timeline. Another person is chosen in `st.session_state[key]["person"]`."""
    _player(data=dict(data), key=key, on_person_change=on_person)


def cited(clip_id: str, blocks: Sequence[Block], titles: Mapping[str, str], key: str) -> None:
    """Blocks of chat_state, with a citation of this clip as a chip; `titles` say what it is."""
    _cited(data={"clip_id": clip_id, "blocks": list(blocks), "titles": dict(titles)}, key=key)
