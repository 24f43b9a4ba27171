"""Who may speak to the API at all: asked before any route, answered for every response.

Web pages of others can send requests to 127.0.0.1 too. A Host that is not ours (DNS rebinding) and
an Origin other than our page's are refused; where a token is set, nothing but /health and links
with a key goes without it.
"""

import hmac
import json
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from demeanor.serve.faults import Fault, fault_of
from demeanor.serve.metrics import Metrics

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1"))
_log = logging.getLogger("demeanor.serve")
_OPEN = frozenset(("/health",))
_KEYED = ("/media", "/thumbnail")  # of a clip: a key in the link is their proof
_SECURITY = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'; sandbox",
    b"cross-origin-resource-policy": b"same-origin",
    b"cache-control": b"no-store",
}
_LIVE = {  # the page of the camera: its own script, its own socket, the camera and no microphone
    b"content-security-policy": b"default-src 'none'; script-src 'self'; style-src 'self'; "
    b"connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    b"permissions-policy": b"camera=(self), microphone=(), geolocation=()",
}
_POLICY, _OUR_FAULT = 1008, 1011  # close codes, RFC 6455, 7.4.1
_METHODS = b"GET, POST, OPTIONS"
_HEADERS = b"Authorization, Content-Type, X-Demeanor-Session"


@dataclass(frozen=True, slots=True)
class Access:
    """hosts None: any, where a token is asked for anyway."""

    hosts: frozenset[str] | None = LOOPBACK
    origins: frozenset[str] = frozenset()  # of our page: http://127.0.0.1:8501
    token: str | None = None


class Guard:
    def __init__(self, app: App, access: Access, metrics: Metrics) -> None:
        self.app, self.access, self.metrics = app, access, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._streamed(scope, receive, send)
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope.setdefault("state", {})["request_id"] = request_id = secrets.token_hex(8)
        headers = {name.lower(): value for name, value in scope["headers"]}
        sending = _Sending(send, self._extra(scope, headers, request_id))
        begun_s = time.monotonic()
        if (fault := self._refused(scope, headers)) is not None:
            await sending.fault(fault, request_id)
        elif _is_preflight(scope, headers):
            await sending.empty()
        else:
            await self._served(scope, receive, sending, request_id)
        self._count(scope, sending.status, time.monotonic() - begun_s)

    async def _streamed(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A handshake passes the same checks; closed before it was accepted, it is a 403."""
        headers = {name.lower(): value for name, value in scope["headers"]}
        request_id = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        if self._refused(scope, headers) is not None:
            await receive()
            await send({"type": "websocket.close", "code": _POLICY})
            return
        try:
            await self.app(scope, receive, send)
        except Exception:
            _log.exception("stream %s failed", request_id)
            await send({"type": "websocket.close", "code": _OUR_FAULT})

    async def _served(
        self, scope: Scope, receive: Receive, sending: "_Sending", request_id: str
    ) -> None:
        """A fault in a route ends in a line of the log and an answer without its inside."""
        try:
            await self.app(scope, receive, sending)
        except Exception as error:
            fault = fault_of(error)
            if fault.status == 500:
                _log.exception("request %s failed", request_id)
            if not sending.status:
                await sending.fault(fault, request_id)

    def _refused(self, scope: Scope, headers: dict[bytes, bytes]) -> Fault | None:
        host = _host(headers.get(b"host", b"").decode("latin-1"))
        if self.access.hosts is not None and host not in self.access.hosts:
            return _forbidden("foreign_host", f"this server is not called {host[:80]!r}")
        origin = headers.get(b"origin")
        if origin is not None and not self._is_ours(origin, headers):
            return _forbidden("foreign_origin", "pages of others may not use this server")
        if self.access.token and not _needs_no_token(scope) and not self._has_token(headers):
            told = "wanted the header `Authorization: Bearer TOKEN` with this server's token"
            how = {"WWW-Authenticate": "Bearer"}
            return Fault(401, "authentication_error", "wrong_token", told, how)
        return None

    def _is_ours(self, origin: bytes, headers: dict[bytes, bytes]) -> bool:
        own = b"http://" + headers.get(b"host", b"")
        return origin.decode("latin-1") in self.access.origins or origin == own

    def _has_token(self, headers: dict[bytes, bytes]) -> bool:
        kind, _, told = headers.get(b"authorization", b"").partition(b" ")
        right = hmac.compare_digest(told.strip(), (self.access.token or "").encode())
        return right and kind.lower() == b"bearer"

    def _extra(
        self, scope: Scope, headers: dict[bytes, bytes], request_id: str
    ) -> dict[bytes, bytes]:
        extra = {**_SECURITY, b"x-request-id": request_id.encode(), b"vary": b"Origin"}
        if _is_live_page(scope):
            extra |= _LIVE
        if _is_keyed(scope):  # shown inside our page, which has another port
            extra[b"cross-origin-resource-policy"] = b"cross-origin"
            extra[b"cache-control"] = b"private, max-age=3600"
        origin = headers.get(b"origin")
        if origin is not None and origin.decode("latin-1") in self.access.origins:
            extra[b"access-control-allow-origin"] = origin
            extra[b"access-control-allow-methods"] = _METHODS
            extra[b"access-control-allow-headers"] = _HEADERS
        return extra

    def _count(self, scope: Scope, status: int, took_s: float) -> None:
        route = str(getattr(scope.get("route"), "path", "none"))
        self.metrics.add("requests_total", route=route, status=str(status))
        self.metrics.took("request", took_s, route=route)


class _Sending:
    """`send` that adds our headers, and knows what was begun."""

    def __init__(self, send: Send, extra: dict[bytes, bytes]) -> None:
        self._send, self._extra = send, extra
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own = [(k, v) for k, v in message.get("headers", ()) if k.lower() not in self._extra]
            message = {**message, "headers": [*own, *self._extra.items()]}
        await self._send(message)

    async def fault(self, fault: Fault, request_id: str) -> None:
        headers = [(k.lower().encode(), v.encode()) for k, v in fault.headers.items()]
        body = json.dumps(fault.body(request_id)).encode()
        await self._whole(fault.status, [*headers, (b"content-type", b"application/json")], body)

    async def empty(self) -> None:
        await self._whole(204, [], b"")

    async def _whole(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        headers = [*headers, (b"content-length", str(len(body)).encode())] if body else headers
        await self({"type": "http.response.start", "status": status, "headers": headers})
        await self({"type": "http.response.body", "body": body})


def _forbidden(code: str, message: str) -> Fault:
    return Fault(403, "permission_error", code, f"{message}. Use the address it was started with")


def _host(told: str) -> str:
    """Without its port: 127.0.0.1:8000, [::1]:8000."""
    if told.startswith("["):
        return told[1:].partition("]")[0].lower()
    return told.partition(":")[0].lower()


def _is_preflight(scope: Scope, headers: dict[bytes, bytes]) -> bool:
    return scope["method"] == "OPTIONS" and b"access-control-request-method" in headers


def _needs_no_token(scope: Scope) -> bool:
    """A browser sends no header with a socket: there a ticket is the proof, which nobody gets
    without the token (serve/live.py). The camera's page says nothing that is secret."""
    if scope["type"] == "websocket" or _is_live_page(scope):
        return True
    return scope["path"] in _OPEN or _is_keyed(scope) or scope["method"] == "OPTIONS"


def _is_live_page(scope: Scope) -> bool:
    return scope["path"] == "/live" or str(scope["path"]).startswith("/live/")


def _is_keyed(scope: Scope) -> bool:
    return str(scope["path"]).startswith("/v1/clips/") and str(scope["path"]).endswith(_KEYED)
