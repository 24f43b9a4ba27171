"""A reasoner's reply as words while it comes: sentences out of half a JSON document, or plain text.

Only what stands in the claims of a reply is told. Numbers and labels come with the result, where
they have been read and checked.
"""

import json
import re
from collections.abc import Callable

_TEXT = re.compile(r'"text"\s*:\s*"')
_HEX = "[0-9a-fA-F]"
_STRING = re.compile(  # as far as it can be read; half a pair of surrogates waits for the other
    rf'(?:[^"\\]|\\["\\/bfnrt]|\\u(?![dD][89abAB]){_HEX}{{4}}'
    rf"|\\u[dD][89abAB]{_HEX}{{2}}\\u[dD][c-fC-F]{_HEX}{{2}})*"
)


class Telling:
    """Takes the pieces of a reply and says the words in them."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say, self._rest, self._inside = say, "", False
        self._is_json: bool | None = None  # not known yet
        self.said = False

    def __call__(self, piece: str) -> None:
        self._rest += piece
        if self._is_json is None:
            begun = self._rest.lstrip()
            if not begun:
                return
            self._is_json = begun[0] in "{`"  # a fence may stand before the braces
        if self._is_json:
            self._claims()
        else:
            self._tell(self._rest)
            self._rest = ""

    def _claims(self) -> None:
        while True:
            if not self._inside:
                begin = _TEXT.search(self._rest)
                if begin is None:
                    return
                self._rest, self._inside = self._rest[begin.end() :], True
                if self.said:
                    self._tell("\n")
            known = _STRING.match(self._rest)
            whole = known[0] if known else ""
            self._tell(_decoded(whole))
            self._rest = self._rest[len(whole) :]
            if not self._rest.startswith('"'):
                return
            self._rest, self._inside = self._rest[1:], False

    def _tell(self, words: str) -> None:
        if words:
            self.said = True
            self._say(words)


def _decoded(inside: str) -> str:
    """Of a JSON string without its quotation marks; half a character is left out."""
    text: str = json.loads(f'"{inside}"', strict=False)
    return text.encode("utf-8", "ignore").decode("utf-8")
