"""A stream of events, sent to a list in place of a client."""

import asyncio
import time
from typing import Any

from demeanor.serve import events
from demeanor.serve.events import EventStream, Tell
from demeanor.serve.waiting import Cancelled


def streamed(work: Any) -> str:
    sent: list[bytes] = []

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()  # the client stays
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        sent.append(message.get("body", b""))

    stream = EventStream(None, work, "r1")
    asyncio.run(stream({"type": "http"}, receive, send))
    return b"".join(sent).decode()


def test_who_waits_long_hears_that_it_goes_on(monkeypatch) -> None:
    monkeypatch.setattr(events, "_ALIVE_S", 0.02)

    def work(tell: Tell, cancelled: Cancelled) -> dict[str, int]:
        tell("text", {"delta": "a"})
        time.sleep(0.5)
        return {"n": 1}

    told = streamed(work)
    assert told.startswith('event: text\ndata: {"delta":"a"}\n\n')
    assert ": still at it\n\n" in told
    assert told.endswith('event: result\ndata: {"n":1}\n\nevent: done\ndata: {}\n\n')


def test_what_is_told_comes_in_order_and_an_error_is_the_last_of_it() -> None:
    def work(tell: Tell, cancelled: Cancelled) -> None:
        for number in range(50):
            tell("text", {"delta": number})
        raise ValueError("inside")

    told = streamed(work)
    begun = [told.index(f'{{"delta":{number}}}') for number in range(50)]
    assert begun == sorted(begun)
    assert told.index("event: error") > begun[-1]
    assert "inside" not in told
    assert told.endswith("event: done\ndata: {}\n\n")
