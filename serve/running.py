"""`demeanor eval TASK --chat …`: a system asked about a task's samples, in a run folder.

Exit codes as everywhere: 0 all samples were answered and scored, 1 some failed (the same command
asks about those again), 2 the command itself cannot be carried out.
"""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from demeanor.explain.errors import DemeanorError, SettingsError
from demeanor.explain.settings import load_settings
from demeanor.serve.progress import counting, with_failures

if TYPE_CHECKING:
    from demeanor.eval.ablation import Compared
    from demeanor.eval.answering import System
    from demeanor.eval.extraction import Extractor
    from demeanor.eval.leakage import Checked
    from demeanor.eval.masking import Mask
    from demeanor.eval.runs import Run
    from demeanor.eval.tables import WordTable
    from demeanor.eval.tasks.asked import Asked
    from demeanor.explain.corpora.items import Item

ASKED_NAMES = ("emer", "faces", "clips")  # known without loading the tasks
_AT_ONCE = 8  # requests to an address; a local model answers one at a time


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a user said on the command line."""

    task: str
    chat: str
    data: Path | None
    media: Path | None
    out: Path
    labels: str | None
    adapter: Path | None
    extract: str | None
    masked: bool
    without: tuple[str, ...]
    order: str
    split: str | None
    allow_leaks: bool
    ablate: bool
    workers: int | None
    face: str
    settings: Path | None
    table: "WordTable | None"
    level: int
    limit: int | None


def carry_out(wanted: Wanted, console: Console) -> "Run | Compared":
    """Raises DemeanorError where nothing can be run."""
    from demeanor.eval.ablation import ablate, both_orders
    from demeanor.eval.runs import Options, folder_of, run
    from demeanor.eval.tasks import Setting
    from demeanor.eval.tasks.asked import asked_about

    asked = asked_about(wanted.task)
    if asked.is_fixed and wanted.labels not in (None, asked.labels):
        raise SettingsError(f"{wanted.task} asks for {asked.labels}: leave --labels out")
    everything = asked.read(wanted.data, wanted.media)
    leaks = _leaks(everything, wanted, console)
    items = _of_split(everything, wanted.split)[: wanted.limit]
    system = _system(wanted, asked, everything, console)
    task = asked.scored_with(system.labels)
    setting = Setting(wanted.table, wanted.level, wanted.labels or asked.labels)
    options = Options(
        workers=_workers(wanted),
        command=shlex.join(["demeanor", *sys.argv[1:]]) if sys.argv[1:2] == ["eval"] else "",
        data=str(wanted.data or ""),
        notes=(*leaks, *_fitted(items)),
    )
    with counting(console, wanted.task) as move:

        def tell(done: int, n: int, failed: int) -> None:
            move(done, n, with_failures(wanted.task, failed))

        if wanted.ablate:
            return ablate(task, items, system, setting, wanted.out, options, tell)
        if wanted.order == "both":
            return both_orders(task, items, system, setting, wanted.out, options, tell)
        folder = folder_of(wanted.out, task, system, items, setting)
        return run(task, items, system, setting, folder, options, tell)


def _workers(wanted: Wanted) -> int:
    if wanted.chat.startswith("local:"):
        return 1  # one model in this process answers one sample at a time
    return wanted.workers or (_AT_ONCE if "://" in wanted.chat else 1)


def _leaks(items: "tuple[Item, ...]", wanted: Wanted, console: Console) -> list[str]:
    """What the report says of the splits. Raises LeakError, unless that is allowed."""
    from demeanor.eval.leakage import check, refuse_leaks

    if len({item.split for item in items if item.split}) < 2:
        return []
    console.print("Looking for what the splits share …", soft_wrap=True)
    checked = check(items) if wanted.allow_leaks else refuse_leaks(items)
    return [leak_note(checked)]


def leak_note(checked: "Checked") -> str:
    looked = (
        f"splits {', '.join(checked.splits)}: {checked.n_samples} samples, "
        f"{checked.n_pictures} pictures and {checked.n_texts} texts compared"
    )
    if checked.not_looked_at:
        looked += f", {len(checked.not_looked_at)} could not be read"
    if not checked.leaks:
        return f"{looked}; nothing is shared"
    found = ", ".join(f"{kind} {n}" for kind, n in checked.kinds.items())
    return f"WARNING: the splits share what they must not ({found}); {looked}"


def _fitted(items: "tuple[Item, ...]") -> list[str]:
    from demeanor.explain.corpora.items import FITTED

    if not any(item.split == FITTED for item in items):
        return []
    return ["WARNING: constants of perception were fitted to pictures of these people"]


def _of_split(items: "tuple[Item, ...]", split: str | None) -> "tuple[Item, ...]":
    """The split that is scored: the named one, else the one called test or held-out, else all."""
    names = {item.split for item in items if item.split}
    chosen = split or next((name for name in ("test", "held-out") if name in names), None)
    if split and split not in names:
        raise SettingsError(f"there is no split {split!r}; known: {', '.join(sorted(names))}")
    if chosen is None and len(names) > 1:
        raise SettingsError(f"which split is scored? Name it with --split: {sorted(names)}")
    return tuple(item for item in items if chosen is None or item.split == chosen)


def _system(
    wanted: Wanted, asked: "Asked", items: "tuple[Item, ...]", console: Console
) -> "System":
    from demeanor.eval.answering import CHANNELS, CLOSED, LABEL_FIRST, OPEN, REASONS_FIRST, System
    from demeanor.explain.corpora.labels import label_set
    from demeanor.explain.pipeline import load_chat, load_front

    if wanted.order not in (REASONS_FIRST, LABEL_FIRST, "both"):
        raise SettingsError(f"--order: wanted {REASONS_FIRST}, {LABEL_FIRST} or both")
    if unknown := sorted(set(wanted.without) - set(CHANNELS)):
        raise SettingsError(f"--without: wanted {', '.join(CHANNELS)}, found {unknown}")
    thresholds = load_settings(wanted.settings)
    labels = label_set(wanted.labels or asked.labels)
    model = load_chat(wanted.chat, wanted.adapter, thresholds)

    def say(line: str) -> None:
        console.print(line, soft_wrap=True, markup=False)

    return System(
        model,
        labels,
        OPEN if asked.is_open else CLOSED,
        thresholds,
        load_front(wanted.face, settings=thresholds, say=say) if asked.has_media else None,
        None if asked.has_media or not wanted.masked else _mask(items),
        frozenset(CHANNELS[name] for name in wanted.without),
        REASONS_FIRST if wanted.order == "both" else wanted.order,
        extractor(wanted.extract, wanted.table, asked.is_open),
    )


def _mask(items: "tuple[Item, ...]") -> "Mask":
    """Always by our own table, so that a run does not depend on which table scores it."""
    from demeanor.eval.masking import mask_of
    from demeanor.eval.tables import load_table

    return mask_of(load_table("d1"), [label for item in items for label in item.gold])


def extractor(spec: str | None, table: "WordTable | None", is_open: bool) -> "Extractor | None":
    """What takes labels out of free text: "rule", or a chat model's name."""
    from demeanor.eval.extraction import ChatExtractor, RuleExtractor
    from demeanor.eval.tables import load_table
    from demeanor.explain.pipeline import load_chat

    if spec is None:
        return None
    if not is_open:
        raise SettingsError("--extract reads open labels; this task scores one of a closed set")
    if spec == "rule":
        return RuleExtractor(table or load_table("d1"))
    return ChatExtractor(load_chat(spec))


def check_file(path: Path, console: Console) -> "Checked":
    """`demeanor eval leaks FILE`: a table with a column split, or JSON lines of descriptions."""
    from demeanor.eval.leakage import check
    from demeanor.explain.corpora.items import read_described, read_labelled

    is_text = path.suffix == ".jsonl" or (path / "rows.jsonl").is_file()
    items = read_described(path) if is_text else read_labelled(path)
    if len({item.split for item in items if item.split}) < 2:
        raise DemeanorError(f"{path}: wanted a column split with two values or more")
    console.print(f"Looking at {len(items)} samples …", soft_wrap=True)
    return check(items)
