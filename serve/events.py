"""Long work for somebody who may leave: in a thread of its own, told while it goes on, stopped
when its reader has gone."""

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Request, Response

from demeanor.serve.faults import fault_of
from demeanor.serve.guard import Receive, Scope, Send
from demeanor.serve.packing import packed
from demeanor.serve.waiting import Cancelled

T = TypeVar("T")
Tell = Callable[[str, Any], None]
_THREADS = CapacityLimiter(64)  # lines are shorter; routes keep the threads they have
_ALIVE_S = 15.0  # proxies give up on a stream that says nothing for long


async def while_there(receive: Receive, work: Callable[[Cancelled], T]) -> T:
    """What `work` returns; it is told to stop when the client has gone, or the server ends."""
    gone = threading.Event()

    async def listen() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        gone.set()

    listening = asyncio.create_task(listen())
    try:
        return await to_thread.run_sync(
            partial(work, gone.is_set), limiter=_THREADS, abandon_on_cancel=True
        )
    finally:
        gone.set()
        listening.cancel()


class EventStream(Response):
    """Server-sent events: what `work` tells, then its result or an error, then `done`."""

    media_type = "text/event-stream"

    def __init__(
        self, request: Request, work: Callable[[Tell, Cancelled], Any], request_id: str
    ) -> None:
        super().__init__(headers={"X-Accel-Buffering": "no"}, media_type=self.media_type)
        del self.headers["content-length"]
        self._work, self._request_id = work, request_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send(
            {"type": "http.response.start", "status": 200, "headers": self.raw_headers},
        )
        told: asyncio.Queue[tuple[str, Any] | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def tell(name: str, data: Any) -> None:
            loop.call_soon_threadsafe(told.put_nowait, (name, data))

        task = asyncio.create_task(while_there(receive, partial(self._work, tell)))
        task.add_done_callback(lambda _: told.put_nowait(None))
        beat = asyncio.create_task(_beat(send))  # a limit on each wait costs as much as an event
        try:
            ended = False
            while not ended:
                known = [await told.get()]
                while not told.empty():  # words that came meanwhile go in one write
                    known.append(told.get_nowait())
                ended = known[-1] is None
                if text := b"".join(_event(*event) for event in known if event is not None):
                    await _write(send, text)
            await _write(send, self._end(task) + _event("done", {}))
        finally:
            beat.cancel()
            task.cancel()
        await send({"type": "http.response.body", "body": b""})

    def _end(self, task: "asyncio.Task[Any]") -> bytes:
        error = task.exception()
        if error is None:
            return _event("result", task.result())
        return _event("error", fault_of(error).body(self._request_id))


def _event(name: str, data: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), packed(data))


async def _beat(send: Send) -> None:
    while True:
        await asyncio.sleep(_ALIVE_S)
        await _write(send, b": still at it\n\n")


async def _write(send: Send, data: bytes) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": True})
