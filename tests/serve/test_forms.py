"""Multipart bodies, read in pieces of any size."""

import asyncio

import pytest

from demeanor.serve.faults import BadForm
from demeanor.serve.forms import Reader, read_form

KIND = "multipart/form-data; boundary=xyz"


def part(name: str, content: bytes, file_name: str | None = None) -> bytes:
    named = f'; filename="{file_name}"' if file_name is not None else ""
    return f'--xyz\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + (
        content + b"\r\n"
    )


def read(body: bytes, kind: str = KIND, size: int = 7):
    """(fields, (file name, content))"""

    async def chunks():
        for at in range(0, len(body), size):
            yield body[at : at + size]

    async def whole():
        return await read_form(Reader(kind, chunks()), lambda name, got: (name, b"".join(got)))

    return asyncio.run(whole())


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_fields_and_the_file_in_either_order(size: int) -> None:
    film = part("file", b"\r\n--xy film\0", "a b.mp4")
    told = part("labels", "mer6 ä".encode())
    for body in (film + told, told + film):
        fields, kept = read(body + b"--xyz--\r\n", size=size)
        assert fields == {"labels": "mer6 ä"}
        assert kept == ("a b.mp4", b"\r\n--xy film\0")


def test_no_file_is_none() -> None:
    assert read(part("labels", b"x") + b"--xyz--\r\n") == ({"labels": "x"}, None)


@pytest.mark.parametrize(
    ("body", "kind", "why"),
    [
        (b"", "application/json", "found 'application/json'"),
        (b"", "multipart/form-data", "found 'multipart/form-data'"),
        (b"", "multipart/form-data; boundary=" + "x" * 1000, "too long"),
        (b"", KIND, "cut short"),
        (part("file", b"abc", "a.mp4"), KIND, "cut short|within a part"),
        (b"no form at all", KIND, "cannot be read"),
        (part("other", b"abc", "a.mp4") + b"--xyz--\r\n", KIND, "a file named 'other'"),
        (part("file", b"a", "a.mp4") * 2 + b"--xyz--\r\n", KIND, "a file named 'file' as well"),
        (part("x", b"a" * 20_000) + b"--xyz--\r\n", KIND, "more than 10000 bytes"),
        (b"".join(part(f"x{n}", b"") for n in range(30)) + b"--xyz--\r\n", KIND, "20 fields"),
        (b"--xyz\r\nContent-Type: text/plain\r\n\r\nx\r\n--xyz--\r\n", KIND, "without a name"),
    ],
)
def test_what_is_no_form_of_ours_is_said(body: bytes, kind: str, why: str) -> None:
    with pytest.raises(BadForm, match=why):
        read(body, kind)
