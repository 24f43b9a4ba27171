"""The camera's page and its socket: frames come in, what they show goes out (serve/camera.py).

The page is given a ticket in the part of its address that is sent to nobody (#…); the handshake
shows it as a subprotocol, so that it stands in no log. The guard has looked at Host and Origin.
"""

import asyncio
import json
from contextlib import ExitStack, suppress
from datetime import datetime
from functools import cache, partial
from html import escape
from importlib.resources import files
from string import Template
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Header, Request, Response, WebSocket, WebSocketDisconnect

from demeanor.explain.errors import DemeanorError
from demeanor.explain.perception.live import NotAFrame
from demeanor.serve import chat_state, wire
from demeanor.serve.camera import Camera, Streams, StreamTaken, clip_of, read_frame, seconds_wanted
from demeanor.serve.desk import Audience, Desk, Explained, Wish
from demeanor.serve.events import while_there
from demeanor.serve.faults import NoSession, fault_of
from demeanor.serve.sessions import SessionGone
from demeanor.serve.stages import Stage
from demeanor.serve.waiting import Cancelled

PROTOCOL, _TICKET = "demeanor.live", "ticket."
_WISH_CHARS = 2000
_UNREAD = 50  # messages that a page may leave unread before live numbers are left out
_BAD_DATA, _LATER, _POLICY = 1007, 1013, 1008  # close codes, RFC 6455 and IANA's registry
_TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css"}
routes = APIRouter()


@cache
def _asset(kind: str) -> str:
    text = files("demeanor.serve").joinpath("page", f"live.{kind}").read_text("utf-8")
    if kind != "html":
        return text
    return Template(text).substitute(what=escape(chat_state.WHAT_IT_IS))


@routes.get("/live", include_in_schema=False)
async def page() -> Response:
    return _served("html")


@routes.get("/live/live.{kind}", include_in_schema=False)
async def part(kind: str) -> Response:
    return _served(kind) if kind in ("js", "css") else Response(status_code=404)


def _served(kind: str) -> Response:
    return Response(_asset(kind), media_type=f"{_TYPES[kind]}; charset=utf-8")


@routes.post("/v1/live", summary="The camera's page for this session", tags=["live"])
def open_page(
    request: Request,
    x_demeanor_session: Annotated[str | None, Header(max_length=100)] = None,
) -> wire.LiveTold:
    """Only where `demeanor serve --webcam` was said."""
    if not x_demeanor_session:
        raise NoSession
    request.app.state.desk.sessions.session(x_demeanor_session)
    return wire.LiveTold(page=f"/live#{request.app.state.streams.ticket(x_demeanor_session)}")


@routes.websocket("/v1/live")
async def stream(socket: WebSocket) -> None:
    """Frames in (eight bytes of time, then a JPEG), `face` and `event` out; `explain` in, stages,
    words and `explained` out. What cannot be read ends the stream."""
    desk, streams = socket.app.state.desk, socket.app.state.streams
    session_id = await to_thread.run_sync(_session, socket, desk, streams)
    if session_id is None:
        await socket.close(_POLICY)
        return
    await socket.accept(PROTOCOL)
    with ExitStack() as held:
        try:
            held.enter_context(streams.place(session_id))
        except StreamTaken as error:
            await _refuse(socket, error, _LATER)
            return
        await _Stream(socket, desk, streams, session_id).run()


def _session(socket: WebSocket, desk: Desk, streams: Streams) -> str | None:
    """Of the ticket that the handshake shows; None where there is none, or it is over."""
    offered = [p for p in socket.scope.get("subprotocols", ()) if p.startswith(_TICKET)]
    session_id = streams.session_of(offered[0].removeprefix(_TICKET)) if offered else None
    try:
        return desk.sessions.session(session_id).session_id if session_id else None
    except SessionGone:
        return None


async def _refuse(socket: WebSocket, error: Exception, code: int) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):  # whoever was refused may have gone already
        await socket.send_json({"type": "error", "message": fault_of(error).message})
        await socket.close(code)


class _Stream:
    """One socket, from its acceptance to its end."""

    def __init__(self, socket: WebSocket, desk: Desk, streams: Streams, session_id: str) -> None:
        self._socket, self._desk, self._streams = socket, desk, streams
        self._session_id = session_id
        self._loop = asyncio.get_running_loop()
        self._out: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._gone = asyncio.Event()
        self._explaining: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """The camera's thread is waited for, so that no model is left at work."""
        camera = await to_thread.run_sync(self._camera)
        sending = asyncio.create_task(self._send())
        await to_thread.run_sync(camera.__enter__)
        try:
            self._tell({"type": "ready", "cue_only": self._cue_only()})
            await self._receive(camera)
        except (NotAFrame, ValueError) as error:
            sending.cancel()
            await _refuse(self._socket, _readable(error), _BAD_DATA)
        except WebSocketDisconnect:
            pass
        finally:
            self._gone.set()
            sending.cancel()
            await to_thread.run_sync(camera.__exit__)

    def _camera(self) -> Camera:
        return Camera(self._streams.backend(), self._streams.settings, self._tell)

    def _cue_only(self) -> bool:
        return self._desk.sessions.session(self._session_id).purpose.cue_only

    async def _receive(self, camera: Camera) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if message.get("bytes") is not None:
                camera.put(read_frame(message["bytes"]))
            else:
                self._wanted(camera, message.get("text") or "")

    async def _send(self) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):  # `_receive` hears that it has gone
            while True:
                await self._socket.send_json(await self._out.get())

    def _tell(self, message: dict[str, Any]) -> None:
        """From any thread. Live numbers are for now: a page that does not read misses some."""
        if message["type"] == "face" and self._out.qsize() > _UNREAD:
            return
        self._loop.call_soon_threadsafe(self._out.put_nowait, message)

    def _wanted(self, camera: Camera, text: str) -> None:
        """Raises ValueError for what is no wish; one that cannot be met is told."""
        if len(text) > _WISH_CHARS:
            raise ValueError
        told = json.loads(text)
        if not isinstance(told, dict) or told.get("type") != "explain":
            raise ValueError
        if self._explaining is not None and not self._explaining.done():
            self._tell({"type": "error", "message": "one explanation at a time: this one is made"})
            return
        self._explaining = asyncio.create_task(self._explain(camera, told))

    async def _explain(self, camera: Camera, told: dict[str, Any]) -> None:
        async def receive() -> dict[str, str]:
            await self._gone.wait()
            return {"type": "http.disconnect"}

        try:
            found = await while_there(receive, partial(self._made, camera, told))
        except Exception as error:
            self._tell({"type": "error", "message": fault_of(error).message})
            if fault_of(error).status == 500:
                raise
            return
        self._tell(found)

    def _made(self, camera: Camera, told: dict[str, Any], cancelled: Cancelled) -> dict[str, Any]:
        """Here, and nowhere before, pictures of the camera are written to the disk."""
        film = clip_of(camera.ring.last(seconds_wanted(told.get("seconds", 10))))
        name = f"camera {datetime.now():%H.%M.%S}.webm"
        card, _ = self._desk.add(self._session_id, name, [film])
        audience = Audience(self._stage, self._say, cancelled)
        explained = self._desk.explain(self._session_id, card.clip_id, Wish(), audience)
        return {"type": "explained", "name": card.name, **_parts(explained)}

    def _stage(self, stage: Stage) -> None:
        done = {"name": stage.name, "done": stage.done, "found": stage.found}
        self._tell({"type": "stage", **done})

    def _say(self, words: str) -> None:
        self._tell({"type": "text", "delta": words})


def _parts(explained: Explained) -> dict[str, Any]:
    """What the page shows; all of it is at /v1/clips/…/result."""
    result = explained.result
    return {
        "clip_id": explained.clip_id,
        "notice": explained.notice,
        "n_observations": len(result.observations),
        "explanations": [
            {
                "person": e.person,
                "observations_part": e.observations_part,
                "interpretation": e.interpretation,
                "conclusion": e.conclusion,
                "labels": list(e.labels),
            }
            for e in result.explanations
        ],
    }


def _readable(error: Exception) -> DemeanorError:
    if isinstance(error, DemeanorError):
        return error
    return DemeanorError('a message that cannot be read: wanted {"type": "explain", "seconds": 10}')
