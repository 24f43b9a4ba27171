"""`demeanor serve`: the API, and the page over it, until somebody says stop.

The API runs in this process, the page in a child of it that speaks to it over HTTP. Both listen on
127.0.0.1; another address for the API needs a token and a flag that says so, and the page, which
asks nobody for a token, never leaves this machine. Exit codes: 0 stopped as asked, 1 something
ended by itself, 2 the command cannot be carried out.
"""

import gc
import json
import os
import signal
import socket
import subprocess  # no shell; our own interpreter runs our own page
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from platformdirs import user_data_path
from rich.console import Console

from demeanor.explain.errors import DemeanorError, MissingExtra
from demeanor.explain.reasoning.chat import BUILT_IN, DEFAULT_CHAT, KNOWN_FORMS
from demeanor.serve.engine import Served, base_of, launched
from demeanor.serve.page_process import page_environment, page_line

if TYPE_CHECKING:
    from demeanor.explain.reasoning.chat import ChatModel

PAGE = Path(__file__).with_name("chat_page.py")
HERE = "127.0.0.1"
VLLM = "vllm"
_LOOPBACK = (HERE, "localhost", "::1")
_PACKAGES = ("fastapi", "uvicorn", "python_multipart")
_TOKEN_CHARS = 16  # fewer can be tried out
_START_S, _STOP_S = 60.0, 10.0
_LOOK_S = 0.2
_SOCKET_BYTES, _SOCKET_QUEUE = 1_000_000, 4  # messages of a camera: larger ones end the stream
_err = Console(stderr=True, highlight=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be started, checked."""

    chat: str = DEFAULT_CHAT
    adapter: Path | None = None
    quantize: str | None = None
    constrain: bool = False
    asr: str | None = None
    face: str = "auto"
    settings: Path | None = None
    host: str = HERE
    port: int = 8000
    page_port: int = 8501
    page: bool = True
    token: str | None = None
    data: Path | None = None
    base: Path | None = None  # this and what follows: of --chat vllm
    vllm_python: Path | None = None
    vllm_options: tuple[str, ...] = ()
    webcam: bool = False

    @property
    def is_local(self) -> bool:
        return self.host in _LOOPBACK


def serve_command(
    chat: Annotated[
        str,
        typer.Option(help=f"{', '.join(KNOWN_FORMS)}; or vllm."),
    ] = DEFAULT_CHAT,
    adapter: Annotated[
        Path | None, typer.Option(help="LoRA adapter for --chat local:… or vllm.")
    ] = None,
    quantize: Annotated[str | None, typer.Option(help="4bit, for --chat local:…")] = None,
    constrain: Annotated[
        bool, typer.Option("--constrain", help="Hold the reply of --chat local:… to its form.")
    ] = False,
    asr: Annotated[
        str | None, typer.Option(help="Speech recogniser: whisper:MODEL or transformers:MODEL.")
    ] = None,
    face: Annotated[
        str, typer.Option("--face-backend", help="auto, mesh, landmarker; pyfeat, libreface.")
    ] = "auto",
    settings: Annotated[Path | None, typer.Option("--settings", help="YAML of thresholds.")] = None,
    host: Annotated[str, typer.Option(help="Address of the API.")] = HERE,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the API; 0: any free.")] = 8000,
    page_port: Annotated[int, typer.Option(min=0, max=65535, help="Of the page.")] = 8501,
    page: Annotated[bool, typer.Option(help="Start the page as well.")] = True,
    token_file: Annotated[
        Path | None, typer.Option(help="A file whose first line is the token to ask for.")
    ] = None,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Really listen to other machines.")
    ] = False,
    data: Annotated[Path | None, typer.Option(help="Folder for uploads and sessions.")] = None,
    base: Annotated[
        Path | None,
        typer.Option(help="Base for --chat vllm; default: what --adapter was tuned on."),
    ] = None,
    vllm_python: Annotated[
        Path | None, typer.Option(help="Python of the environment that vLLM is in; default: ours.")
    ] = None,
    vllm_option: Annotated[
        list[str] | None, typer.Option(help="Passed to vLLM as it is; may be repeated.")
    ] = None,
    webcam: Annotated[
        bool, typer.Option("--webcam", help="A page that measures this machine's camera.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the addresses as one JSON line.")
    ] = False,
) -> None:
    """Serve the API and the page on this machine, until Ctrl-C."""
    try:
        token = read_token(token_file) if token_file else None
        plan = Plan(chat, adapter, quantize, constrain, asr, face, settings, host, port,
                    page_port, page, token, data, base, vllm_python,
                    tuple(vllm_option or ()), webcam)  # fmt: skip
        check(plan, allow_remote)
        ended_by_itself = run(plan, as_json)
    except DemeanorError as error:
        _say(f"Error: {error}")
        raise typer.Exit(2) from error
    if ended_by_itself:
        _say(f"Error: {ended_by_itself}")
        raise typer.Exit(1)


def read_token(path: Path) -> str:
    try:
        token = (path.read_text("utf-8").splitlines() or [""])[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        raise DemeanorError(f"{path}: wanted a file with a token: {error}") from error
    if len(token) < _TOKEN_CHARS or not token.isascii() or not token.isprintable():
        raise DemeanorError(
            f"{path}: wanted a token of at least {_TOKEN_CHARS} plain characters in its first "
            "line. Make one:  python -c 'import secrets; print(secrets.token_urlsafe())'"
        )
    return token


def check(plan: Plan, allow_remote: bool) -> None:
    """Raises MissingExtra, DemeanorError."""
    more = [*(["streamlit"] if plan.page else []), *(["websockets"] if plan.webcam else [])]
    for package in (*_PACKAGES, *more):
        if find_spec(package) is None:
            raise MissingExtra("Serving", package, "serve")
    if not plan.is_local and not (plan.token and allow_remote):
        raise DemeanorError(
            f"--host {plan.host}: other machines could reach the clips. That needs --token-file "
            "and --allow-remote as well; without them, leave --host out"
        )
    if plan.webcam and not plan.is_local:
        raise DemeanorError(
            f"--webcam with --host {plan.host}: the camera's pictures stay on this machine, and "
            "browsers give no camera to a page of another one without TLS. Leave one of them out"
        )
    if plan.page and not PAGE.is_file():
        raise DemeanorError(f"{PAGE.name} is not in this installation: use --no-page")


def run(plan: Plan, as_json: bool) -> str | None:
    """Serves until SIGINT or SIGTERM; else what ended by itself."""
    with ExitStack() as open_:
        bound = open_.enter_context(_bound(plan.host, plan.port, "--port"))
        page_port = _free_port(plan.page_port) if plan.page else 0
        api = f"http://{_in_url(plan.host)}:{bound.getsockname()[1]}"
        stop = open_.enter_context(_signals())
        chat_model = open_.enter_context(_reasoner(plan, stop))
        app, chat = _app(plan, chat_model, page_port)
        server = open_.enter_context(_served(app, bound))
        child, page = None, None
        if plan.page:
            near = f"http://{_near(plan.host)}:{bound.getsockname()[1]}"
            child = open_.enter_context(_page(near, plan, chat, page_port))
            page = f"http://{HERE}:{page_port}"
            _wait_for_page(child, f"{page}/_stcore/health", stop)
        if not stop.is_set():
            _tell(api, page, f"{api}/live" if plan.webcam else None, as_json)
        while not stop.wait(_LOOK_S):
            if not server.is_alive():
                return "the API has ended: see above"
            if child is not None and child.poll() is not None:
                return f"the page has ended (exit code {child.returncode}): see above"
    return None


def _tell(api: str, page: str | None, live: str | None, as_json: bool) -> None:
    if as_json:
        told = {"api": api, "page": page} | ({"live": live} if live else {})
        print(json.dumps(told), flush=True)
        return
    _say(f"API:  {api}  (described at {api}/openapi.json)")
    if page:
        _say(f"Page: {page}")
    if live:
        _say(f"Live: {live}  (or from the page, under 'Another clip')")
    _say("Ctrl-C stops it.")


@contextmanager
def _reasoner(plan: Plan, stop: threading.Event) -> Iterator["ChatModel"]:
    """The default one; for `--chat vllm` with the server that it is asked at."""
    from demeanor.explain.pipeline import load_chat
    from demeanor.explain.reasoning.remote import RemoteChat
    from demeanor.explain.settings import load_settings

    settings = load_settings(plan.settings)
    if plan.chat != VLLM:
        yield load_chat(plan.chat, plan.adapter, settings, plan.quantize, plan.constrain)
        return
    if plan.quantize or plan.constrain:
        raise DemeanorError("--quantize and --constrain go with --chat local:…, not with vllm")
    base = base_of(plan.adapter, plan.base)
    python = plan.vllm_python or Path(sys.executable)
    served = Served(python, base, plan.adapter, _free_port(0), plan.vllm_options)
    _no_proxy_for_us()
    with launched(served, is_healthy, _say, stop):
        limits = settings.reasoning
        name = plan.adapter.name if plan.adapter else None
        yield RemoteChat(served.spec, limits.timeout_s, limits.max_retries, name)


def _no_proxy_for_us() -> None:
    """Clients read it from the environment: what is on this machine is asked directly."""
    known = os.environ.get("NO_PROXY") or os.environ.get("no_proxy")
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = f"{known},{HERE}" if known else HERE


def _app(plan: Plan, chat: "ChatModel", page_port: int) -> tuple[Any, str]:
    """The API, and the name of its default reasoner."""
    from demeanor.explain.perception.models import any_backend
    from demeanor.explain.pipeline import load_chat, load_front
    from demeanor.explain.reasoning.chain import warm_up
    from demeanor.explain.settings import load_settings
    from demeanor.serve.api import make_app
    from demeanor.serve.camera import Streams
    from demeanor.serve.desk import Desk
    from demeanor.serve.guard import LOOPBACK, Access
    from demeanor.serve.sessions import Sessions

    settings = load_settings(plan.settings)
    chats = {chat.name: chat}
    for spec in BUILT_IN:
        built_in = load_chat(spec, settings=settings)
        chats.setdefault(built_in.name, built_in)
    front = load_front(plan.face, asr=plan.asr, settings=settings, say=_say)
    folder = plan.data or user_data_path("demeanor") / "serve"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    hosts = LOOPBACK if plan.is_local else None
    origins = frozenset(f"http://{name}:{page_port}" for name in (HERE, "localhost"))
    access = Access(hosts, origins if plan.page else frozenset(), plan.token)
    streams = Streams(partial(any_backend, plan.face), settings) if plan.webcam else None
    desk = Desk(Sessions(folder), chats, front)
    warm_up(chat)
    return make_app(desk, access, streams=streams), chat.name


# The API ----------------------------------------------------------------------------------------


def _keep_what_is_loaded() -> None:
    """Models and modules stay until the end: looking through them for garbage held all chats up
    for .1 s, about once in a hundred of them."""
    gc.collect()
    gc.freeze()


@contextmanager
def _bound(host: str, port: int, option: str) -> Iterator[socket.socket]:
    """Listening already: nobody can take the port between the check and the start. Told that it is
    TCP, or asyncio leaves Nagle's algorithm on and each answer waits .04 s for the client."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((host, port))
        except OSError as error:
            raise DemeanorError(
                f"{host}:{port} cannot be listened at ({error.strerror}). Is another program, or "
                f"another `demeanor serve`, there? Stop it, or give another {option}"
            ) from error
        yield bound


def _free_port(wanted: int) -> int:
    with _bound(HERE, wanted, "--page-port") as bound:
        port: int = bound.getsockname()[1]
        return port


@contextmanager
def _served(app: Any, bound: socket.socket) -> Iterator[threading.Thread]:
    """In a thread: the signals stay ours, so that the page is stopped as well."""
    import uvicorn

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=int(_STOP_S / 2),
        ws_max_size=_SOCKET_BYTES,
        ws_max_queue=_SOCKET_QUEUE,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([bound],), name="api", daemon=True)
    thread.start()
    try:
        until_s = time.monotonic() + _START_S
        while not server.started:
            if not thread.is_alive() or time.monotonic() > until_s:
                raise DemeanorError("the API did not start: see above")
            time.sleep(_LOOK_S / 4)
        _keep_what_is_loaded()
        yield thread
    finally:
        server.should_exit = True
        thread.join(_STOP_S)


@contextmanager
def _signals() -> Iterator[threading.Event]:
    """Set by SIGINT and SIGTERM; how they were handled before is put back."""
    stop = threading.Event()
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = {kind: signal.signal(kind, lambda *_: stop.set()) for kind in kinds}
    try:
        yield stop
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


# The page ---------------------------------------------------------------------------------------


@contextmanager
def _page(api: str, plan: Plan, chat: str, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """A session of its own, so that Ctrl-C reaches us alone; it ends when we do."""
    child = subprocess.Popen(  # noqa: S603
        page_line(port),
        env={**os.environ, **page_environment(api, plan.token or "", chat, plan.webcam)},
        stdout=sys.stderr,
        start_new_session=True,
    )
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _wait_for_page(child: "subprocess.Popen[bytes]", address: str, stop: threading.Event) -> None:
    until_s = time.monotonic() + _START_S
    while not stop.wait(_LOOK_S):
        if child.poll() is not None:
            raise DemeanorError(f"the page did not start (exit code {child.returncode}): see above")
        if is_healthy(address):
            return
        if time.monotonic() > until_s:
            raise DemeanorError(f"the page did not answer within {_START_S:g} s at {address}")


def is_healthy(address: str) -> bool:
    """Asked directly, whatever proxy the environment names."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(address, timeout=2.0) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _near(host: str) -> str:
    """How the page, and the browser on this machine, reach an API that listens everywhere."""
    return {"0.0.0.0": HERE, "::": "[::1]"}.get(host, _in_url(host))  # noqa: S104


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _say(line: str) -> None:
    _err.print(line, soft_wrap=True, markup=False)
