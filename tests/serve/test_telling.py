"""A reply is told while it comes, in pieces of any size."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_chat import good_reply

from demeanor.serve.telling import Telling


def told(reply: str, size: int) -> str:
    said: list[str] = []
    telling = Telling(said.append)
    for at in range(0, len(reply), size):
        telling(reply[at : at + size])
    return "".join(said)


WORDS = "The lip corners are pulled up.\nNothing conflicts with it.\nThe person appears happy."


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_of_json_the_claims_are_told_and_no_brace(size: int) -> None:
    assert told(good_reply(), size) == WORDS
    assert told(f"```json\n{good_reply()}\n```", size) == WORDS


@pytest.mark.parametrize("size", [1, 5])
def test_plain_text_is_told_as_it_is(size: int) -> None:
    assert told("\n Key observations: none.", size) == "\n Key observations: none."


def test_half_a_reply_is_told_as_far_as_it_came() -> None:
    reply = good_reply()
    assert told(reply[: reply.index("pulled")], 3) == "The lip corners are "
    assert told("", 1) == ""


@given(st.text(min_size=1), st.integers(1, 9), st.booleans())
def test_any_words_come_through_whole(text: str, size: int, ascii_: bool) -> None:
    reply = json.dumps({"conclusion": {"text": text}, "n": 1}, ensure_ascii=ascii_)
    assert told(reply, size) == text
