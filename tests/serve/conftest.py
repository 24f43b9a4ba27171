"""A desk over the demo clip whose measurement is known already, and the API over it."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from clips import grey, tone, write
from serve_address import HOST, PAGE

from demeanor.explain import store
from demeanor.explain.demo import demo_clip
from demeanor.explain.pipeline import Front, load_front
from demeanor.explain.reasoning.prototype import Prototype
from demeanor.serve.api import make_app
from demeanor.serve.desk import Desk, Queue
from demeanor.serve.guard import Access
from demeanor.serve.sessions import Limits, Purpose, Sessions

SMALL = Limits(upload_bytes=3_000_000, session_bytes=10_000_000)


@pytest.fixture(scope="session")
def cache_home(tmp_path_factory, demo_measurement) -> Path:
    """A user's cache folder that knows the demo clip."""
    home: Path = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(home))
        path = load_front("mesh").cache_path(demo_measurement.clip.clip_id, demo_clip(), None)
        store.save_gzip(demo_measurement, path)
    return home


@pytest.fixture(scope="session")
def front() -> Front:
    return load_front("mesh")


@pytest.fixture
def desk(tmp_path, monkeypatch, cache_home, front) -> Desk:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache_home))
    return Desk(Sessions(tmp_path / "data", SMALL), {"prototype": Prototype()}, front, Queue())


@pytest.fixture
def research(desk) -> str:
    return desk.sessions.begin(Purpose.RESEARCH).session_id


@pytest.fixture
def workplace(desk) -> str:
    return desk.sessions.begin(Purpose.WORKPLACE).session_id


@pytest.fixture(scope="session")
def little_clip(tmp_path_factory) -> bytes:
    """Ten grey frames and a tone: nobody is in it."""
    path = tmp_path_factory.mktemp("clips") / "grey.mp4"
    return write(path, grey(10), sound=tone(0.4)).read_bytes()


@pytest.fixture(scope="session")
def long_clip(tmp_path_factory) -> bytes:
    """Frames enough that somebody can leave while they are measured."""
    path = tmp_path_factory.mktemp("clips") / "long.mp4"
    return write(path, grey(40) * 60).read_bytes()


@dataclass
class Api:
    """The API in this process, without a socket."""

    desk: Desk
    app: object

    def __call__(self, method: str, path: str, session: str | None = None, **sent):
        """One request, whole."""

        async def ask():
            async with self.client() as client:
                headers = {**({"X-Demeanor-Session": session} if session else {}),
                           **sent.pop("headers", {})}  # fmt: skip
                return await client.request(method, path, headers=headers, **sent)

        return asyncio.run(ask())

    def client(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=HOST, timeout=120.0)


@pytest.fixture
def api(desk) -> Api:
    return Api(desk, make_app(desk, Access(origins=frozenset((PAGE,)))))


@pytest.fixture
def address(api) -> Iterator[str]:
    """The same over a real socket, for clients that leave in the middle."""
    import uvicorn

    config = uvicorn.Config(api.app, port=0, log_level="error", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    begun = threading.Event()
    startup = server.startup

    async def told(sockets=None) -> None:
        await startup(sockets)
        begun.set()

    server.startup = told  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert begun.wait(30.0)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10.0)
    assert not thread.is_alive()
