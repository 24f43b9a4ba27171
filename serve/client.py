"""The routes of our API as Python: how the page, which is another process, reaches the engine.

What the server refuses is raised as ApiError, with the server's own words: they say what to do.
A server that is not there is told apart, since nothing on the page can mend it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import urljoin

import httpx

from demeanor.explain.errors import DemeanorError
from demeanor.explain.result import Result
from demeanor.explain.store import result_from

SESSION_HEADER = "X-Demeanor-Session"
_CONNECT_S = 5.0
_QUIET_S = 600.0  # without a byte: a long clip is told of every few seconds, a slow model is not
_DATA, _EVENT = "data:", "event:"


class ApiError(DemeanorError):
    """The server refused, or did not answer. `code` is the API's, e.g. session_gone."""

    def __init__(self, message: str, status: int | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code = status, code

    @property
    def session_over(self) -> bool:
        return self.code in ("session_gone", "no_session")


@dataclass(frozen=True, slots=True)
class Explained:
    clip_id: str
    result: Result
    notice: str | None  # why there is less than was asked for; None: nothing to say


@dataclass(frozen=True, slots=True)
class Reply:
    text: str
    cites: tuple[str, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream: stage, text, result, error, done."""

    name: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wish:
    """How a clip is to be explained; None: as the server does by default."""

    chat: str | None = None
    labels: str | None = None
    language: str | None = None
    person: str | None = None  # "p1", or "all"
    off: tuple[str, ...] = ()  # ids of observations that are left out, for once

    def as_json(self) -> dict[str, Any]:
        told = {
            "chat": self.chat,
            "labels": self.labels,
            "language": self.language,
            "person": self.person,
            "off": list(self.off),
        }
        return {name: value for name, value in told.items() if value}


class Client:
    """One session's view of the API. `session_id` is set by `begin`, or by whoever kept it."""

    def __init__(
        self,
        address: str,
        token: str = "",
        session_id: str | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.address, self.session_id = address.rstrip("/"), session_id
        self._http = httpx.Client(
            base_url=self.address,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=httpx.Timeout(_QUIET_S, connect=_CONNECT_S),
            transport=transport,
            trust_env=False,  # it is on this machine: no proxy of the environment
        )

    def link(self, path: str) -> str:
        """A path of the API (`media_url`) as an address that a browser can load."""
        return urljoin(f"{self.address}/", path)

    # --- sessions --------------------------------------------------------------------------------

    def begin(self, purpose: str) -> dict[str, Any]:
        begun = self._json("POST", "/v1/sessions", json={"purpose": purpose})
        self.session_id = str(begun["session_id"])
        return begun

    def session(self) -> dict[str, Any]:
        return self._json("GET", "/v1/sessions/current")

    def live(self) -> str:
        """Address of the camera's page for this session."""
        return self.link(str(self._json("POST", "/v1/live")["page"]))

    # --- what there is ---------------------------------------------------------------------------

    def limits(self) -> dict[str, Any]:
        return self._json("GET", "/v1/limits")

    def models(self) -> list[dict[str, Any]]:
        return self._rows("/v1/models")

    def labels(self) -> list[dict[str, Any]]:
        return self._rows("/v1/labels")

    def notice(self, purpose: str) -> str:
        return self._got("GET", "/v1/notice", params={"purpose": purpose}).text

    # --- clips -----------------------------------------------------------------------------------

    def clips(self) -> list[dict[str, Any]]:
        return self._rows("/v1/clips")

    def clip(self, clip_id: str) -> dict[str, Any]:
        return self._json("GET", f"/v1/clips/{clip_id}")

    def upload(self, name: str, content: IO[bytes] | bytes) -> dict[str, Any]:
        return self._json("POST", "/v1/clips", files={"file": (name, content)})

    def result(self, clip_id: str) -> Result:
        told = self._json("GET", f"/v1/clips/{clip_id}/result")
        return result_from(told, Path("result"))

    def explain(self, clip_id: str, wish: Wish) -> Iterator[Event]:
        """Stages and words as they come, then the result. Closing the iterator cancels the work.

        Raises ApiError, for an error in mid-stream too.
        """
        body = {"clip_id": clip_id, **wish.as_json(), "stream": True}
        for event in self._events("/v1/explain", body):
            if event.name == "error":
                raise _told(event.data, None)
            if event.name == "done":
                return
            yield event
        raise ApiError(
            "the server ended the explanation in the middle: wanted a result, found none. "
            "Ask for it again; what was measured is kept"
        )

    # --- talking ---------------------------------------------------------------------------------

    def ask(self, clip_id: str, question: str, wish: Wish, person: str | None) -> Reply:
        body = {
            **({"model": wish.chat} if wish.chat else {}),
            "messages": [{"role": "user", "content": question}],
            "clip_id": clip_id,
            "off": list(wish.off),
            **({"person": person} if person else {}),
        }
        told = self._json("POST", "/v1/chat/completions", json=body)
        message = told["choices"][0]["message"]
        more = message.get("demeanor") or {}
        cites = tuple(str(cite) for cite in more.get("cites", ()))
        return Reply(str(message["content"]), cites, str(more.get("kind", "")))

    def turns(self, clip_id: str) -> list[dict[str, Any]]:
        return self._rows(f"/v1/clips/{clip_id}/turns")

    def suggestions(self, clip_id: str, person: str | None = None) -> list[str]:
        rows = self._rows(f"/v1/clips/{clip_id}/suggestions", {"person": person} if person else {})
        return [str(row) for row in rows]

    # --- corrections, exports --------------------------------------------------------------------

    def correct(self, clip_id: str, correction: Mapping[str, Any]) -> dict[str, Any]:
        return self._json("POST", f"/v1/clips/{clip_id}/corrections", json=dict(correction))

    def corrections(self, clip_id: str) -> list[dict[str, Any]]:
        return self._rows(f"/v1/clips/{clip_id}/corrections")

    def export(self, clip_id: str, form: str) -> bytes:
        return self._got("GET", f"/v1/clips/{clip_id}/export", params={"form": form}).content

    # --- how it is sent --------------------------------------------------------------------------

    def _headers(self) -> dict[str, str]:
        return {SESSION_HEADER: self.session_id} if self.session_id else {}

    def _got(self, method: str, path: str, **sent: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, headers=self._headers(), **sent)
        except httpx.HTTPError as error:
            raise _silent(self.address, error) from error
        _refuse(response)
        return response

    def _json(self, method: str, path: str, **sent: Any) -> dict[str, Any]:
        told = _decoded(self._got(method, path, **sent))
        if not isinstance(told, dict):
            raise ApiError(f"{path}: wanted a JSON object, found {type(told).__name__}")
        return told

    def _rows(self, path: str, params: Mapping[str, str] | None = None) -> list[Any]:
        rows = self._json("GET", path, params=dict(params or {})).get("data")
        if not isinstance(rows, list):
            raise ApiError(f"{path}: wanted a list under `data`, found {type(rows).__name__}")
        return rows

    def _events(self, path: str, body: Mapping[str, Any]) -> Iterator[Event]:
        headers = {**self._headers(), "Accept": "text/event-stream"}
        try:
            with self._http.stream("POST", path, json=body, headers=headers) as response:
                if response.status_code >= 400:
                    response.read()
                    _refuse(response)
                yield from read_events(response.iter_lines())
        except httpx.HTTPError as error:
            raise _silent(self.address, error) from error


def explained(told: Mapping[str, Any]) -> Explained:
    """The data of a `result` event."""
    clip_id = str(told.get("clip_id", ""))
    return Explained(clip_id, result_from(told.get("result"), Path("result")), told.get("notice"))


def read_events(lines: Iterator[str] | Sequence[str]) -> Iterator[Event]:
    """Server-sent events out of lines; comments, which keep a connection open, say nothing."""
    name, data = "message", []
    for line in lines:
        if line.startswith(_EVENT):
            name = line[len(_EVENT) :].strip()
        elif line.startswith(_DATA):
            data.append(line[len(_DATA) :].strip())
        elif not line and (data or name != "message"):
            yield Event(name, _object("\n".join(data)))
            name, data = "message", []
    if data:
        yield Event(name, _object("\n".join(data)))


def _object(text: str) -> dict[str, Any]:
    try:
        told = json.loads(text or "{}")
    except ValueError as error:
        raise ApiError(f"the stream holds {text[:60]!r} where JSON was wanted") from error
    return told if isinstance(told, dict) else {"value": told}


def _decoded(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError as error:
        raise ApiError(
            f"{response.url.path}: wanted JSON, found {response.text[:60]!r}. "
            "Is another program listening at this address?"
        ) from error


def _refuse(response: httpx.Response) -> None:
    if response.status_code < 400:
        return
    try:
        told = response.json()
    except ValueError:
        told = {}
    raise _told(told if isinstance(told, dict) else {}, response.status_code)


def _told(told: Mapping[str, Any], status: int | None) -> ApiError:
    error = told.get("error", told)
    error = error if isinstance(error, dict) else {"message": str(error)}
    message = error.get("message") or f"the server refused with status {status} and said no more"
    return ApiError(str(message), status, error.get("code"))


def _silent(address: str, error: httpx.HTTPError) -> ApiError:
    return ApiError(
        f"the engine at {address} does not answer ({type(error).__name__}). "
        "Look at the window in which `demeanor serve` runs; start it again if it has ended",
        code="unreachable",
    )
