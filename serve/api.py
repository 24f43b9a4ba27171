"""The API: routes over the desk. What they mean is in desk.py, who may ask in guard.py.

Described at /openapi.json. The interactive pages that FastAPI has are off: they load from others.
"""

import asyncio
import contextlib
import json
import logging
import re
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Response
from fastapi import Path as InPath
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

import demeanor.explain
from demeanor.data_engine.queries import Asked
from demeanor.explain.corpora.labels import known_label_sets, label_set
from demeanor.explain.errors import DemeanorError
from demeanor.explain.perception.media import MEDIA_SUFFIXES
from demeanor.explain.store import result_text
from demeanor.serve import live, wire
from demeanor.serve.camera import Streams
from demeanor.serve.desk import Audience, Card, Desk, Explained
from demeanor.serve.events import EventStream, Tell, while_there
from demeanor.serve.faults import BadForm, Fault, NoSession, WrongKey, fault_of
from demeanor.serve.forms import Reader, read_form
from demeanor.serve.guard import Access, App, Guard
from demeanor.serve.keys import Keys
from demeanor.serve.metrics import Metrics
from demeanor.serve.notice import notice
from demeanor.serve.packing import packed, result_packable
from demeanor.serve.session_export import Exported, Form, ReportForm
from demeanor.serve.sessions import Purpose, TooLarge
from demeanor.serve.stages import Stage
from demeanor.serve.waiting import Cancelled, Ticket

_log = logging.getLogger("demeanor.serve")
_TIDY_S = 600.0  # how often what has expired is removed
_JSON_BYTES = 1_000_000
_FORM_BYTES = 100_000  # of a form, beside its file
_DRAINED_BYTES = 16_000_000  # read and thrown away, so that a client gets to read its 429
_EVENTS = "text/event-stream"
_MEDIA_TYPES = {  # by suffix; what else was sent is offered as bytes
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".ogv": "video/ogg",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
}


def make_app(
    desk: Desk,
    access: Access | None = None,
    keys: Keys | None = None,
    streams: Streams | None = None,
) -> App:
    """The whole API behind its guard, ready for a server. streams: None: there is no camera."""
    app = FastAPI(
        title="Demeanor",
        version=demeanor.explain.__version__,
        summary="What a person in a clip appears to show, and why.",
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        lifespan=_tidying,
        responses=_errors(400, 403, 404, 413, 422, 429, 500),
    )
    app.state.desk, app.state.keys, app.state.metrics = desk, keys or Keys(), Metrics()
    app.include_router(_open)
    app.include_router(_v1)
    if streams is not None:
        app.state.streams = streams
        app.include_router(live.routes)
    for kind in (DemeanorError, RequestValidationError, HTTPException, OSError):
        app.add_exception_handler(kind, _told)
    app.add_exception_handler(Exception, _told_of_ours)  # the guard writes the log
    return Guard(app, access or Access(), app.state.metrics)


_ABOUT = """Explains what a person in a clip appears to show, and why, from timed observations of
face, voice and words. It does not say what anybody feels. Inferring emotions of people at work or
in education is prohibited in the EU (AI Act, article 5(1)(f)): sessions with those purposes get
cues only. Begin with `POST /v1/sessions` and send its id as `X-Demeanor-Session`."""


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {s: {"model": wire.ErrorTold, "description": _STATUS[s]} for s in statuses}


_STATUS = {
    400: "What is asked for is not possible",
    403: "A foreign Origin or Host, or a link that is over",
    404: "No such session, clip or result",
    413: "Larger or longer than the limit",
    415: "No video, picture or sound",
    422: "A body or a parameter that cannot be read",
    429: "The queue is full: see Retry-After",
    500: "A fault of Demeanor",
    501: "An optional package is missing here",
    502: "The chat model could not be reached",
    507: "The disk is full",
}
_open = APIRouter()
_v1 = APIRouter(prefix="/v1")


@contextlib.asynccontextmanager
async def _tidying(app: FastAPI) -> AsyncIterator[None]:
    """Removes what has expired, now and then."""

    async def tidy() -> None:
        while True:
            try:
                await to_thread.run_sync(app.state.desk.sessions.end_expired)
            except Exception:
                _log.exception("what has expired could not be removed")
            await asyncio.sleep(_TIDY_S)

    task = asyncio.create_task(tidy())
    yield
    task.cancel()


async def _told(request: Request, error: Exception) -> Response:
    fault = _fault(error)
    if fault.status == 500:
        raise error
    request_id = request.scope["state"]["request_id"]
    return JSONResponse(fault.body(request_id), fault.status, fault.headers)


async def _told_of_ours(request: Request, error: Exception) -> Response:
    return JSONResponse(fault_of(error).body(request.scope["state"]["request_id"]), 500)


def _fault(error: Exception) -> Fault:
    if isinstance(error, RequestValidationError):
        return Fault(422, "invalid_request_error", "unreadable", _unread(error))
    if isinstance(error, HTTPException):
        headers = dict(error.headers or {})
        return Fault(error.status_code, "invalid_request_error", "http", error.detail, headers)
    return fault_of(error)


def _unread(error: RequestValidationError) -> str:
    """Where, and what was wanted; not what was sent: it may be long, or nobody's business."""
    rows = [
        f"{'.'.join(map(str, row['loc']))}: {row['msg']}".replace("\n", " ")[:200]
        for row in error.errors()[:5]
    ]
    return f"the request cannot be read: {'; '.join(rows)}. See /openapi.json"


# Who asks ---------------------------------------------------------------------------------------


async def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


async def _keys(request: Request) -> Keys:
    keys: Keys = request.app.state.keys
    return keys


async def _session(
    x_demeanor_session: Annotated[
        str | None, Header(description="From POST /v1/sessions.", max_length=100)
    ] = None,
) -> str:
    if not x_demeanor_session:
        raise NoSession
    return x_demeanor_session


TheDesk = Annotated[Desk, Depends(_desk)]
TheKeys = Annotated[Keys, Depends(_keys)]
SessionId = Annotated[str, Depends(_session)]
ClipId = Annotated[str, InPath(max_length=100, examples=["demo"])]
Key = Annotated[str, Query(max_length=100, description="From the clip's media_url.")]


# Of the server ----------------------------------------------------------------------------------


@_open.get("/health", summary="Whether the server answers", tags=["server"])
async def health(desk: TheDesk) -> wire.HealthTold:
    return wire.HealthTold(version=demeanor.explain.__version__, chat=next(iter(desk.chats)))


@_open.get(
    "/metrics",
    summary="Counts for Prometheus",
    tags=["server"],
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request, desk: TheDesk) -> Response:
    lines = {
        "engine": desk.engine.state,
        "asking": desk.asking.state,
        "uploading": desk.uploading.state,
        "talking": desk.talking.state,
    }
    text = request.app.state.metrics.text(lines)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


@_v1.get("/models", summary="The reasoners here, the default first", tags=["server"])
async def models(desk: TheDesk) -> wire.ModelsTold:
    return wire.ModelsTold(
        data=[
            wire.ModelTold(
                id=name,
                created=0,
                version=model.version,
                adapter=model.adapter,
                notes=list(model.notes),
            )
            for name, model in desk.chats.items()
        ]
    )


@_v1.get("/labels", summary="Label sets by name", tags=["server"])
def labels() -> wire.LabelSetsTold:
    known = [label_set(name) for name in known_label_sets()]
    return wire.LabelSetsTold(
        data=[wire.LabelsTold(name=k.name, labels=list(k.labels), source=k.source) for k in known]
    )


@_v1.get("/limits", summary="What may be sent, and how long the queue is", tags=["server"])
async def limits(desk: TheDesk) -> wire.LimitsTold:
    kept, media, state = desk.sessions.limits, desk.front.settings.media, desk.engine.state
    return wire.LimitsTold(
        upload_bytes=kept.upload_bytes,
        session_bytes=kept.session_bytes,
        types=sorted(MEDIA_SUFFIXES),
        duration_s=media.max_duration_s,
        max_pixels=media.max_pixels,
        lasts_s=kept.lasts_s,
        queue=wire.QueueTold(working=state.working, waiting=state.waiting, places=state.places),
    )


@_v1.get(
    "/notice",
    summary="A notice to the people filmed, as Markdown",
    tags=["sessions"],
    response_class=Response,
    responses={200: {"content": {"text/markdown": {"schema": {"type": "string"}}}}},
)
def notice_to_people(desk: TheDesk, purpose: Purpose = Purpose.RESEARCH) -> Response:
    text = notice(purpose, desk.sessions.limits.lasts_s)
    return Response(text, media_type="text/markdown; charset=utf-8")


# Sessions ---------------------------------------------------------------------------------------


@_v1.post("/sessions", summary="Begin a session", tags=["sessions"], status_code=201)
def begin(desk: TheDesk, wish: wire.SessionWish | None = None) -> wire.SessionTold:
    """The purpose is kept with it; `workplace` and `education` get cues only."""
    purpose = wish.purpose if wish else Purpose.RESEARCH
    return wire.SessionTold.of(desk.sessions.begin(purpose))


@_v1.get("/sessions/current", summary="The session, renewed", tags=["sessions"])
def current(desk: TheDesk, session_id: SessionId) -> wire.SessionTold:
    return wire.SessionTold.of(desk.sessions.session(session_id))


# Clips ------------------------------------------------------------------------------------------

_FORM = {
    "type": "object",
    "properties": {"file": {"type": "string", "format": "binary"}},
    "required": ["file"],
}


@_v1.post(
    "/clips",
    summary="Send a clip",
    tags=["clips"],
    status_code=201,
    responses={
        200: {"model": wire.ClipTold, "description": "It was here already"},
        **_errors(415, 507),
    },
    openapi_extra={
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}
    },
)
async def upload(
    request: Request, response: Response, desk: TheDesk, keys: TheKeys, session_id: SessionId
) -> wire.ClipTold:
    """Known by its content: the same bytes are kept once. What is no clip is not kept."""
    _, (card, is_new) = await _received(request, desk, session_id)
    response.status_code = 201 if is_new else 200
    return wire.ClipTold.of(card, keys)


async def _received(
    request: Request, desk: Desk, session_id: str
) -> tuple[dict[str, str], tuple[Card, bool]]:
    """A form and its clip, written to disk while it comes. Raises TooLarge before it is read."""
    try:
        await to_thread.run_sync(desk.sessions.session, session_id)
        _check_length(request, desk.sessions.limits.upload_bytes + _FORM_BYTES)
        ticket = desk.uploading.join()
    except DemeanorError:
        await _drain(request)
        raise
    with ticket:
        reader = Reader(request.headers.get("content-type", ""), request.stream())
        fields, kept = await read_form(reader, partial(_kept, desk, session_id, ticket))
    if kept is None:
        raise BadForm("wanted a part named `file`, found none")
    return fields, kept


def _kept(
    desk: Desk, session_id: str, ticket: Ticket, name: str, chunks: Iterator[bytes]
) -> tuple[Card, bool]:
    with ticket.turn():
        return desk.add(session_id, name, chunks)


def _check_length(request: Request, most: int) -> None:
    told = request.headers.get("content-length", "0")
    if told.isdecimal() and int(told) > most:
        raise TooLarge(f"a body of {told} bytes; at most {most} are read. Cut the clip")


async def _drain(request: Request) -> None:
    """Who still sends does not read: take in a little, so that the answer is read."""
    n_bytes = 0
    async for chunk in request.stream():
        n_bytes += len(chunk)
        if n_bytes > _DRAINED_BYTES:
            return


@_v1.get("/clips", summary="The demo clip and what this session sent", tags=["clips"])
def clips(desk: TheDesk, keys: TheKeys, session_id: SessionId) -> wire.ClipsTold:
    return wire.ClipsTold(data=[wire.ClipTold.of(card, keys) for card in desk.clips(session_id)])


@_v1.get("/clips/{clip_id}", summary="One clip", tags=["clips"])
def clip(desk: TheDesk, keys: TheKeys, session_id: SessionId, clip_id: ClipId) -> wire.ClipTold:
    return wire.ClipTold.of(desk.clip(session_id, clip_id), keys)


@_v1.get(
    "/clips/{clip_id}/media",
    summary="The file itself, in ranges",
    tags=["clips"],
    response_class=FileResponse,
    responses={
        200: {"content": {"application/octet-stream": {}}, "description": "All of it"},
        206: {"content": {"application/octet-stream": {}}, "description": "A range of it"},
        416: {"content": {"text/plain": {}}, "description": "No such range"},
    },
)
def media(desk: TheDesk, keys: TheKeys, clip_id: ClipId, key: Key) -> FileResponse:
    path = desk.media(_proven(keys, clip_id, key))
    kind = _MEDIA_TYPES.get(path.suffix.lower(), "application/octet-stream")
    return FileResponse(path, media_type=kind, stat_result=path.stat())


def _proven(keys: Keys, clip_id: str, key: str) -> str:
    if not keys.holds(clip_id, key):
        raise WrongKey
    return clip_id


@_v1.get(
    "/clips/{clip_id}/thumbnail",
    summary="A moment of it as JPEG",
    tags=["clips"],
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}, "description": "JPEG"}},
)
def thumbnail(
    desk: TheDesk,
    keys: TheKeys,
    clip_id: ClipId,
    key: Key,
    at_s: Annotated[float | None, Query(ge=0, le=1e6, allow_inf_nan=False)] = None,
    person: wire.PersonName | None = None,
) -> Response:
    """The person's face where one is named and was measured."""
    jpeg = desk.thumbnail(_proven(keys, clip_id, key), at_s, person)
    return Response(jpeg, media_type="image/jpeg")


# Explaining -------------------------------------------------------------------------------------

_EVENT: dict[str, Any] = {
    "type": "object",
    "properties": {"event": {"type": "string"}, "data": {"type": "string"}},
    "required": ["data"],
}
_STREAM: dict[str, Any] = {_EVENTS: {"schema": _EVENT}}
_WISH = wire.ExplainWish.model_json_schema()
_WISH_FORM = {
    "type": "object",
    "properties": {**_FORM["properties"], **_WISH["properties"]},  # type: ignore[dict-item]
    "required": ["file"],
}


@_v1.post(
    "/explain",
    summary="Explain a clip: JSON, or events while it goes on",
    tags=["explaining"],
    responses={
        200: {"model": wire.ExplainTold, "content": _STREAM},
        **_errors(415, 501, 502, 507),
    },
    response_model=None,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": _WISH},
                "multipart/form-data": {"schema": _WISH_FORM},
            },
        }
    },
)
async def explain(request: Request, desk: TheDesk, session_id: SessionId) -> Response:
    """A clip by its id, or a form with a `file`. Events: `stage`, `text`, then `result` or
    `error`, then `done`. `off` leaves observations out, for once: that is not kept."""
    wish = await _explain_wish(request, desk, session_id)
    ticket = await to_thread.run_sync(desk.place, session_id, wish.clip_id, wish.wish)
    work = partial(_explained, desk, session_id, wish, ticket, request.app.state.metrics)
    if wish.stream or _EVENTS in request.headers.get("accept", ""):
        return EventStream(request, work, request.scope["state"]["request_id"])
    told = await while_there(request.receive, partial(work, lambda name, data: None))
    return Response(packed(told), media_type="application/json")


def _explained(
    desk: Desk,
    session_id: str,
    wish: wire.ExplainWish,
    ticket: Ticket,
    counts: Metrics,
    tell: Tell,
    cancelled: Cancelled,
) -> dict[str, Any]:
    def stage(found: Stage) -> None:
        if found.took_s is not None:
            counts.took("stage", found.took_s, stage=found.name)
        tell("stage", {"name": found.name, "done": found.done, "found": found.found,
                       "took_s": found.took_s})  # fmt: skip

    audience = Audience(stage, lambda words: tell("text", {"delta": words}), cancelled)
    return _plain(desk.explain(session_id, wish.clip_id, wish.wish, audience, ticket))


def _plain(explained: Explained) -> dict[str, Any]:
    result = result_packable(explained.result)
    return {"clip_id": explained.clip_id, "result": result, "notice": explained.notice}


async def _explain_wish(request: Request, desk: Desk, session_id: str) -> wire.ExplainWish:
    if request.headers.get("content-type", "").startswith("multipart/"):
        fields, (card, _) = await _received(request, desk, session_id)
        told: dict[str, Any] = {k: v for k, v in fields.items() if v != ""}
        if "off" in told:
            told["off"] = [part for part in told["off"].replace(",", " ").split() if part]
        return _read_wish({**told, "clip_id": card.clip_id})
    _check_length(request, _JSON_BYTES)
    return _read_wish(await _body(request))


def _read_wish(told: dict[str, Any] | bytes) -> wire.ExplainWish:
    try:
        if isinstance(told, bytes):
            return wire.ExplainWish.model_validate_json(told)
        return wire.ExplainWish.model_validate(told)
    except ValidationError as error:
        raise RequestValidationError(
            [{**row, "loc": ("body", *row["loc"])} for row in error.errors(include_context=False)]
        ) from error


async def _body(request: Request) -> bytes:
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > _JSON_BYTES:
            raise TooLarge(f"a body of more than {_JSON_BYTES} bytes of JSON")
    return data


@_v1.get(
    "/clips/{clip_id}/result",
    summary="What was explained last",
    tags=["explaining"],
    response_model=None,
    responses={200: {"content": {"application/json": {"schema": {"type": "object"}}}}},
)
def result(desk: TheDesk, session_id: SessionId, clip_id: ClipId) -> Response:
    text = result_text(desk.result(session_id, clip_id).result)
    return Response(text, media_type="application/json")


@_v1.get("/clips/{clip_id}/tracks", summary="Tracks, thinned for drawing", tags=["explaining"])
def tracks(desk: TheDesk, session_id: SessionId, clip_id: ClipId) -> wire.TracksTold:
    rows = desk.tracks(session_id, clip_id)
    return wire.TracksTold(tracks=[wire.TrackTold(**row) for row in rows])


def _download(exported: Exported) -> Response:
    named = {"Content-Disposition": f'attachment; filename="{exported.file_name}"'}
    return Response(exported.data, media_type=exported.media_type, headers=named)


def _forms(*kinds: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {kind: {} for kind in kinds}, "description": "A file"}}


@_v1.get(
    "/clips/{clip_id}/report",
    summary="The report, as a file",
    tags=["explaining"],
    response_class=Response,
    responses=_forms("text/html", "text/markdown", "application/json"),
)
def report(
    desk: TheDesk, session_id: SessionId, clip_id: ClipId, form: ReportForm = ReportForm.HTML
) -> Response:
    return _download(desk.report(session_id, clip_id, form))


@_v1.get(
    "/clips/{clip_id}/export",
    summary="The session about this clip, as a file",
    tags=["explaining"],
    response_class=Response,
    responses=_forms("text/html", "text/markdown", "application/json", "application/zip"),
)
def export(
    desk: TheDesk, session_id: SessionId, clip_id: ClipId, form: Form = Form.HTML
) -> Response:
    """`rows`: a ZIP that `demeanor data curate` opens as a folder."""
    return _download(desk.export(session_id, clip_id, form))


# Talking ----------------------------------------------------------------------------------------


@_v1.post(
    "/chat/completions",
    summary="Ask about a clip, in OpenAI's form",
    tags=["talking"],
    responses={
        200: {"model": wire.ChatTold, "content": _STREAM},
        **_errors(501, 502, 507),
    },
    response_model=None,
)
async def chat(
    request: Request,
    desk: TheDesk,
    wish: wire.ChatWish,
    x_demeanor_session: Annotated[str | None, Header(max_length=100)] = None,
) -> Response:
    """Needs `clip_id` beside the messages. The last message is the question; what was said
    before in this session is kept here. A clip that was not explained yet is explained first."""
    session_id = x_demeanor_session or wish.session_id
    if not session_id:
        raise NoSession
    if not wish.clip_id:
        raise DemeanorError("wanted clip_id beside the messages: GET /v1/clips has them (or demo)")
    question, clip_id = _question(wish), wish.clip_id

    def ask(cancelled: Cancelled) -> Asked:
        return desk.answer(session_id, clip_id, question, wish.wish, Audience(cancelled=cancelled))

    asked = await while_there(request.receive, ask)
    request.app.state.metrics.add("answers_total", kind=asked.kind)
    model = wish.model or next(iter(desk.chats))
    reply_id = f"chatcmpl-{request.scope['state']['request_id']}"
    if wish.stream:
        return StreamingResponse(_chunks(asked, model, reply_id), media_type=_EVENTS)
    return JSONResponse(_reply(asked, model, reply_id).model_dump())


def _question(wish: wire.ChatWish) -> str:
    """Of the last message; whatever is no text is refused, not passed over."""
    last = wish.messages[-1]
    if last.role != "user":
        raise DemeanorError(f"wanted a question of the user last, found a message of {last.role}")
    if isinstance(last.content, list):
        if other := [part.type for part in last.content if part.text is None]:
            raise DemeanorError(f"wanted text, found {other[0][:40]!r}. Send clips to /v1/clips")
        return " ".join(part.text or "" for part in last.content)
    return last.content or ""


def _reply(asked: Asked, model: str, reply_id: str) -> wire.ChatTold:
    cited = wire.Cited(cites=list(asked.cites), kind=asked.kind)
    message = wire.ReplyMessage(content=asked.answer, demeanor=cited)
    return wire.ChatTold(
        id=reply_id, created=int(time.time()), model=model, choices=[wire.Choice(message=message)]
    )


def _chunks(asked: Asked, model: str, reply_id: str) -> Iterator[bytes]:
    """Word by word, as OpenAI's clients read it; what it rests on comes with the end."""
    head = {
        "id": reply_id,
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": model,
    }

    def chunk(delta: dict[str, Any], end: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": end}
        text = json.dumps({**head, "choices": [choice]}, ensure_ascii=False)
        return f"data: {text}\n\n".encode()

    yield chunk({"role": "assistant", "content": ""})
    for word in re.findall(r"\s*\S+\s*$|\s*\S+", asked.answer):
        yield chunk({"content": word})
    cited = {"cites": list(asked.cites), "kind": asked.kind}
    yield chunk({"demeanor": cited}, "stop")
    yield b"data: [DONE]\n\n"


@_v1.get("/clips/{clip_id}/turns", summary="What was asked and answered", tags=["talking"])
def turns(desk: TheDesk, session_id: SessionId, clip_id: ClipId) -> wire.TurnsTold:
    return wire.TurnsTold(data=[wire.TurnTold.of(t) for t in desk.turns(session_id, clip_id)])


@_v1.get("/clips/{clip_id}/suggestions", summary="Questions it can answer", tags=["talking"])
def suggestions(
    desk: TheDesk,
    session_id: SessionId,
    clip_id: ClipId,
    person: wire.PersonName | None = None,
) -> wire.SuggestionsTold:
    return wire.SuggestionsTold(data=list(desk.suggestions(session_id, clip_id, person)))


# Corrections ------------------------------------------------------------------------------------


@_v1.post(
    "/clips/{clip_id}/corrections",
    summary="Put a claim, a part or a label right",
    tags=["corrections"],
    status_code=201,
)
def correct(
    desk: TheDesk, session_id: SessionId, clip_id: ClipId, wish: wire.CorrectionWish
) -> wire.CorrectionTold:
    """Kept beside the explanation, with its hash and who wrote it; the explanation stays."""
    made = desk.correct(session_id, clip_id, wish.wanted)
    return wire.CorrectionTold(**made.as_dict())


@_v1.get("/clips/{clip_id}/corrections", summary="What was put right", tags=["corrections"])
def corrections(desk: TheDesk, session_id: SessionId, clip_id: ClipId) -> wire.CorrectionsTold:
    made = desk.corrections(session_id, clip_id)
    return wire.CorrectionsTold(data=[wire.CorrectionTold(**c.as_dict()) for c in made])
