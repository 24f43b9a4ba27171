"""A multipart body read while it comes: fields are small, and one file goes straight to its place.

The parser is python-multipart's; what is read is never held whole.
"""

import codecs
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from anyio import from_thread, to_thread
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from demeanor.serve.faults import BadForm

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

T = TypeVar("T")
_FIELD_BYTES = 10_000
_MAX_FIELDS = 20
_WHAT = "wanted multipart/form-data with one part named `file`"


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    file_name: str | None  # a stranger's text; None: a field


class Reader:
    """Parts one after another; of the one that is read, piece by piece."""

    def __init__(self, content_type: str, chunks: AsyncIterator[bytes]) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise BadForm(f"{_WHAT}, found {content_type[:80]!r}")
        self._chunks = chunks
        self._found: deque[Part | bytes | None] = deque()  # None: a part ends
        self._headers: dict[bytes, bytes] = {}
        self._header = [b"", b""]
        self._ended = False
        try:
            self._parser = MultipartParser(boundary, self._callbacks())
        except FormParserError as error:
            raise BadForm(f"{_WHAT}, found a boundary that is too long") from error

    def _callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._headers.clear,
            "on_header_field": lambda data, a, b: self._add(0, data[a:b]),
            "on_header_value": lambda data, a, b: self._add(1, data[a:b]),
            "on_header_end": self._header_end,
            "on_headers_finished": lambda: self._found.append(self._part()),
            "on_part_data": lambda data, a, b: self._found.append(bytes(data[a:b])),
            "on_part_end": lambda: self._found.append(None),
            "on_end": self._end,
        }

    def _add(self, where: int, text: bytes) -> None:
        self._header[where] += text

    def _header_end(self) -> None:
        self._headers[self._header[0].lower()] = self._header[1]
        self._header = [b"", b""]

    def _end(self) -> None:
        self._ended = True

    def _part(self) -> Part:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        if b"name" not in options:
            raise BadForm(f"{_WHAT}, found a part without a name")
        file_name = options.get(b"filename")
        return Part(_text(options[b"name"]), None if file_name is None else _text(file_name))

    async def part(self) -> Part | None:
        """The next one; None after the last."""
        while await self._more():
            found = self._found.popleft()
            if isinstance(found, Part):
                return found
        return None

    async def piece(self) -> bytes | None:
        """Of the part at hand; None where it ends."""
        if not await self._more():
            raise BadForm(f"{_WHAT}, found a body that ends within a part")
        found = self._found.popleft()
        return found if isinstance(found, bytes) else None

    async def _more(self) -> bool:
        while not self._found:
            try:
                chunk = await anext(self._chunks)
            except StopAsyncIteration:
                if not self._ended:
                    raise BadForm(f"{_WHAT}, found a body that is cut short") from None
                return False
            try:
                self._parser.write(chunk)
            except FormParserError as error:
                raise BadForm(f"{_WHAT}, found one that cannot be read ({error})") from error
        return True


async def read_form(
    reader: Reader, keep: Callable[[str, Iterator[bytes]], T]
) -> tuple[dict[str, str], T | None]:
    """All fields, and what `keep` made of the file; it works in a thread of its own."""
    fields: dict[str, str] = {}
    kept: T | None = None
    while (part := await reader.part()) is not None:
        if part.file_name is None:
            if len(fields) >= _MAX_FIELDS:
                raise BadForm(f"{_WHAT}, found more than {_MAX_FIELDS} fields")
            fields[part.name] = await _field(reader, part.name)
        elif part.name != "file" or kept is not None:
            raise BadForm(f"{_WHAT}, found a file named {part.name[:40]!r} as well")
        else:
            kept = await to_thread.run_sync(keep, part.file_name, _pieces(reader))
    return fields, kept


async def _field(reader: Reader, name: str) -> str:
    text = b""
    while (piece := await reader.piece()) is not None:
        text += piece
        if len(text) > _FIELD_BYTES:
            raise BadForm(f"field {name[:40]!r}: more than {_FIELD_BYTES} bytes")
    return _text(text)


def _pieces(reader: Reader) -> Iterator[bytes]:
    """For a worker thread: each piece is fetched by the event loop."""
    while (piece := from_thread.run(reader.piece)) is not None:
        yield piece


def _text(data: bytes) -> str:
    return codecs.decode(data, "utf-8", "replace")
