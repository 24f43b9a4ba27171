"""The page's own components, as files: what they may not do. What they do: test_chat_in_browser."""

import re
from importlib.resources import files

import pytest

SCRIPTS = ("player.js", "cited.js")
STYLES = ("player.css", "cited.css", "page.css")


def asset(name):
    return files("demeanor.serve").joinpath("page", name).read_text("utf-8")


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_makes_markup_of_text_or_asks_a_server(name):
    script = asset(name)
    banned = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|Function\(|\bfetch\("
    assert not re.search(
        rf"{banned}|XMLHttpRequest|autoplay|http://(?!www\.w3\.org)|https:", script
    )
    assert "textContent" in script


@pytest.mark.parametrize("name", STYLES)
def test_no_style_loads_anything(name):
    assert not re.search(r"@import|url\(", asset(name))


def test_every_kind_of_block_is_drawn():
    source = files("demeanor.serve").joinpath("chat_state.py").read_text("utf-8")
    kinds = set(re.findall(r'_block\(\s*"(\w+)"', source)) | {"note"}
    assert kinds >= {"lead", "quiet", "answer", "claims", "gap", "turn", "heading"}
    script = asset("cited.js")
    assert all(re.search(rf"^  {kind}\(", script, re.MULTILINE) for kind in kinds)


def test_a_player_is_told_of_keys_and_has_accessible_names():
    script = asset("player.js")
    assert "aria-label" in script
    assert 'setAttribute("aria-live", "polite")' in script
