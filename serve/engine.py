"""vLLM beside the API: launched, waited for, started again when it ends, its log passed on.

It lives in an environment of its own (`--vllm-python`) and is driven over HTTP alone: no package of
it is imported here. Only text reaches it, so that none of its decoders of pictures and sound, and
none of its fetchers of addresses, ever sees what a stranger sent.
"""

import contextlib
import json
import os
import signal
import subprocess  # no shell; the interpreter that the user names runs vLLM's own server
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demeanor.explain.errors import DemeanorError, ModelFileError

SERVED = "demeanor"  # the name that the model is asked by, with an adapter or without
_MANIFEST = "demeanor.json"  # of an adapter, and of an exported base (docs/finetuning.md)
_CONFIG = "adapter_config.json"  # PEFT's own
_START_S = 900.0  # a large base is read from disk, and compiled
_LOOK_S = 0.5
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
_STEADY_S = 60.0  # after so long it counts as having run: the pauses begin anew
_NICE = 5  # its workers spin while they wait: the API came to no core for seconds
_STOP_S = 20.0
_TOKENS_A_PIECE = 4  # some three words
_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",  # a folder is served: nobody has to be asked for it
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
}


@dataclass(frozen=True, slots=True)
class Served:
    """What vLLM is to serve. `base` is the model that the adapter was tuned on."""

    python: Path
    base: Path
    adapter: Path | None
    port: int
    options: tuple[str, ...] = ()  # passed to vLLM as they are

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def spec(self) -> str:
        """As `--chat` names it."""
        return f"{self.address}/v1#{SERVED}"


def base_of(adapter: Path | None, base: Path | None) -> Path:
    """The folder to serve: the one that is named, else the one that the adapter was tuned on.

    An adapter that was tuned on 4-bit weights says something else on the untouched base: it needs
    what `demeanor export-base` wrote. Raises ModelFileError, DemeanorError.
    """
    if adapter is None:
        if base is None:
            raise DemeanorError("--chat vllm needs --adapter DIR, or --base DIR, or both")
        return _folder(base)
    tuned = _read(adapter / _MANIFEST) or {"base": (_read(adapter / _CONFIG) or {}).get(
        "base_model_name_or_path")}  # fmt: skip
    if not (adapter / _CONFIG).is_file():
        raise ModelFileError(f"{adapter} holds no {_CONFIG}; wanted a PEFT adapter's folder")
    if base is None and tuned.get("quantize"):
        raise DemeanorError(
            f"{adapter} was tuned on {tuned['quantize']} weights. Write that base once, and name "
            f"it:  demeanor export-base {adapter} -o base;  demeanor serve … --base base"
        )
    folder = _folder(base or Path(str(tuned.get("base"))))
    if tuned.get("quantize") and "exported_from" not in (_read(folder / _MANIFEST) or {}):
        raise DemeanorError(
            f"{adapter} was tuned on {tuned['quantize']} weights, and {folder} is no exported "
            f"base. Write it once:  demeanor export-base {adapter} -o base"
        )
    return folder


def _folder(path: Path) -> Path:
    path = path.expanduser()
    if not (path / "config.json").is_file():
        raise ModelFileError(f"{path} holds no config.json; wanted a model's folder: name --base")
    return path.resolve()


def _read(path: Path) -> dict[str, Any] | None:
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None


def command_of(served: Served) -> list[str]:
    """`-m vllm.entrypoints…`, as the command `vllm` looks for a distribution of that name.

    The beginning of a prompt (system prompt and timeline) is the same in each turn about a clip:
    prefix caching reads it once. After its first word a reply comes some tokens at a time (vLLM
    0.12 and later): each piece costs the engine and whoever reads it as much as a token would.
    """
    line = [
        str(served.python),
        *("-m", "vllm.entrypoints.openai.api_server"),
        *("--host", "127.0.0.1", "--port", str(served.port)),
        *("--model", str(served.base), "--enable-prefix-caching"),
        *("--stream-interval", str(_TOKENS_A_PIECE)),
    ]
    if served.adapter is None:
        return [*line, "--served-model-name", SERVED, *served.options]
    rank = int((_read(served.adapter / _CONFIG) or {}).get("r", 16))
    adapter = f"{SERVED}={served.adapter.resolve()}"
    lora = ("--enable-lora", "--max-lora-rank", str(_allowed(rank)), "--lora-modules", adapter)
    return [*line, "--served-model-name", "base", *lora, *served.options]


def _allowed(rank: int) -> int:
    """vLLM takes ranks that are powers of two, from 8."""
    return max(8, 1 << (rank - 1).bit_length())


class Engine:
    """vLLM, kept running by a thread. `stop` is set by whoever wants it to end, while it starts as
    well; what starts it, asks it and waits can be others in tests."""

    def __init__(
        self,
        start: Callable[[], "subprocess.Popen[bytes]"],
        is_healthy: Callable[[], bool],
        say: Callable[[str], None],
        stop: threading.Event,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], bool] | None = None,
    ) -> None:
        self._start, self._healthy, self._say, self._clock = start, is_healthy, say, clock
        self._stop, self._wait = stop, wait or stop.wait
        self._child: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self.keep, name="engine", daemon=True)

    def begin(self, timeout_s: float = _START_S) -> None:
        """Raises DemeanorError where it ends, or does not answer in time, the first time."""
        child = self._launch()
        until_s = self._clock() + timeout_s
        while not self._healthy():
            if (code := child.poll()) is not None:
                raise DemeanorError(f"vLLM ended while it started (exit code {code}): see its log")
            if self._clock() > until_s:
                raise DemeanorError(f"vLLM did not answer within {timeout_s:g} s: see its log")
            if self._wait(_LOOK_S):
                return
        self._thread.start()

    def keep(self) -> None:
        """Started again after a pause that doubles, for as long as it keeps ending at once."""
        pause_s, begun_s = _FIRST_PAUSE_S, self._clock()
        while not self._wait(_LOOK_S):
            code = self._child.poll() if self._child is not None else None
            if code is None:
                continue
            if self._clock() - begun_s > _STEADY_S:
                pause_s = _FIRST_PAUSE_S
            self._say(f"vLLM ended (exit code {code}): started again in {pause_s:g} s")
            if self._wait(pause_s):
                return
            pause_s, begun_s = min(2 * pause_s, _LONGEST_PAUSE_S), self._clock()
            self._launch()

    def end(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_S)
        if self._child is not None:
            ended(self._child)

    def _launch(self) -> "subprocess.Popen[bytes]":
        if self._child is not None:
            ended(self._child)  # its workers may have outlived it
        self._child = self._start()
        return self._child


def ended(child: "subprocess.Popen[bytes]") -> None:
    """With all that it started: it leads a process group of its own."""
    _signal(child, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(_STOP_S)
    _signal(child, signal.SIGKILL)
    child.wait()


def _signal(child: "subprocess.Popen[bytes]", kind: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, kind)


@contextmanager
def launched(
    served: Served,
    is_healthy: Callable[[str], bool],
    say: Callable[[str], None],
    stop: threading.Event,
) -> Iterator[Engine]:
    """vLLM once it answers; stopped, with all that it started, at the end."""

    def start() -> "subprocess.Popen[bytes]":
        child = subprocess.Popen(  # noqa: S603
            command_of(served),
            env={**_ENVIRONMENT, **os.environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,  # no session of its own: between sessions Linux shares cores alike
        )
        os.setpriority(os.PRIO_PROCESS, child.pid, os.getpriority(os.PRIO_PROCESS, 0) + _NICE)
        threading.Thread(target=_pass_on, args=(child, say), daemon=True).start()
        return child

    engine = Engine(start, lambda: is_healthy(f"{served.address}/health"), say, stop)
    try:
        say(f"vLLM: serving {served.base.name}, which may take minutes to start")
        engine.begin()
        yield engine
    except FileNotFoundError as error:
        raise DemeanorError(f"--vllm-python {served.python}: no such program") from error
    finally:
        engine.end()


def _pass_on(child: "subprocess.Popen[bytes]", say: Callable[[str], None]) -> None:
    """Its log, line by line, until it ends: a pipe that nobody reads would stop it."""
    for line in child.stdout or ():
        say(f"vLLM: {line.decode('utf-8', 'replace').rstrip()}")
