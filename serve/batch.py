"""Many clips, one after another: a bad one is named and the rest goes on.

The same command resumes: what was measured is cached by content, and an explanation that was
written with the same model, prompts, labels and thresholds is read back, not asked for again.
"""

import hashlib
import json
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

import demeanor.explain
from demeanor.explain import pipeline, store
from demeanor.explain.corpora.labels import label_set
from demeanor.explain.demo import demo_clip
from demeanor.explain.errors import DemeanorError
from demeanor.explain.perception.media import find_media, open_clip
from demeanor.explain.reasoning.chat import ChatModel
from demeanor.explain.records import Channel, Measurement
from demeanor.explain.report import Embed, IndexEntry, write_index, write_report
from demeanor.explain.result import Result
from demeanor.explain.settings import Settings
from demeanor.prompts import load_prompt

DEMO = "demo"
_RUN_FILE = "run.json"  # says with what a folder's explanation was made


class Reasoner:
    """A chat model with the labels and the person it is asked about."""

    def __init__(
        self, model: ChatModel, labels: str, person: str | None, settings: Settings
    ) -> None:
        self.model, self.person, self.settings = model, person, settings
        self.labels = label_set(labels)

    def __call__(self, measured: Result) -> Result:
        return pipeline.reason(measured, self.model, self.labels, self.person, self.settings)

    def key(self, measured: Result) -> str:
        """Changes with everything that an explanation depends on."""
        prompts = [load_prompt(name).sha256 for name in ("system", "explain", "retry")]
        parts = [
            demeanor.explain.__version__,
            store.SCHEMA_VERSION,
            store.to_plain(measured.observations),
            store.to_plain(measured.measurement.not_measured),
            [self.model.name, self.model.version, self.model.adapter],
            store.to_plain(self.labels),
            self.person,
            self.settings.as_dict(),
            prompts,
            pipeline.code_hash("reasoning"),
        ]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Page:
    """Where and how reports are written."""

    out: Path
    embed: str
    blur: bool

    def write(self, result: Result, folder: Path) -> list[Path]:
        return write_report(result, folder, embed=Embed(self.embed), blur=self.blur)


@dataclass(frozen=True, slots=True, eq=False)
class Done:
    path: Path
    result: Result | None
    error: str | None
    written: tuple[Path, ...]

    def as_dict(self) -> dict[str, Any]:
        explanations = self.result.explanations if self.result else ()
        return {
            "clip": str(self.path),
            "error": self.error,
            "written": [str(p) for p in self.written],
            "n_observations": len(self.result.observations) if self.result else None,
            "people": [
                {
                    "person": e.person,
                    "labels": list(e.labels),
                    "label_set": e.label_set,
                    "best_fit": e.best_fit,
                    "confidence": e.confidence,
                    "abstained": e.abstained,
                    "abstained_reason": e.abstained_reason,
                    "grounded_share": e.grounded_share,
                    "model": e.provenance.model,
                }
                for e in explanations
            ],
        }


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    done: tuple[Done, ...]
    index: Path | None

    @property
    def failed(self) -> bool:
        return any(d.error for d in self.done)

    def as_dict(self) -> dict[str, Any]:
        return {
            "clips": [d.as_dict() for d in self.done],
            "index": str(self.index) if self.index else None,
        }


def explain_all(
    inputs: Sequence[Path],
    transcript: Path | None,
    front: pipeline.Front,
    reasoner: Reasoner | None,
    page: Page,
    console: Console,
) -> Batch:
    """Measure and, with a reasoner, explain every clip; write a report each and an index.

    Raises DemeanorError where the command makes no sense: an empty folder, one transcript for
    several clips.
    """
    paths = expand(inputs)
    if transcript is not None and len(paths) > 1:
        raise DemeanorError(
            f"--transcript names one file for {len(paths)} clips. Put each transcript beside its "
            "clip under the same name, or explain one clip at a time"
        )
    done = []
    for number, path in enumerate(paths, start=1):
        with _bar(console, f"[{number}/{len(paths)}] {path.name}") as advance:

            def one(path: Path = path, advance: Callable[..., None] = advance) -> Done:
                clip = open_clip(path, front.settings.media)
                advance(total=clip.duration_s or 1.0)
                measurement = front.measure(path, transcript, lambda s: advance(completed=s))
                advance(completed=clip.duration_s or 1.0)
                for line in stage_lines(measurement):
                    console.print(f"  {line}", soft_wrap=True, markup=False)
                folder = page.out / measurement.clip.folder_name
                return _finish(path, pipeline.observed(measurement), folder, reasoner, page)

            done.append(_guarded(path, one, console))
    return _with_index(done, page)


def reason_again(
    results: Sequence[Path],
    measurements: Sequence[Path],
    fps: float | None,
    reasoner: Reasoner | None,
    page: Page,
    console: Console,
) -> Batch:
    """Explain from earlier results, or from measurements that other programs made."""

    def from_result(path: Path) -> Done:
        measured = store.load_result(path)
        bare = Result(measured.measurement, measured.observations, (), ())
        return _finish(path, bare, page.out / measured.measurement.clip.folder_name, reasoner, page)

    def from_csv(path: Path) -> Done:
        from demeanor.explain.perception.imported import read_measurements  # brings pandas

        settings = reasoner.settings if reasoner else None
        measurement = read_measurements(path, fps, settings)
        folder = page.out / measurement.clip.folder_name
        return _finish(path, pipeline.observed(measurement), folder, reasoner, page)

    done = [_guarded(path, partial(from_result, path), console) for path in results]
    done += [_guarded(path, partial(from_csv, path), console) for path in measurements]
    return _with_index(done, page)


def expand(inputs: Sequence[Path]) -> list[Path]:
    """Files as they are, folders as the media in them, `demo` as our own clip; each once."""
    paths: list[Path] = []
    for path in inputs:
        if str(path) == DEMO and not path.exists():
            paths.append(demo_clip())
        elif path.is_dir():
            found = find_media(path)
            if not found:
                raise DemeanorError(f"{path}: no video, picture or sound file in this folder")
            paths += found
        else:
            paths.append(path)
    return list(dict.fromkeys(paths))


def stage_lines(measurement: Measurement) -> Iterator[str]:
    """What each stage found, a line each."""
    backend = measurement.settings["face_backend"]["name"]
    if measurement.people:
        people = ", ".join(f"{p.person} in {p.n_frames} frames" for p in measurement.people)
        n_face = sum(e.channel is Channel.FACE for e in measurement.events)
        yield f"face ({backend}): {people}; {n_face} events"
    n_voice = sum(e.channel is Channel.VOICE for e in measurement.events)
    if n_voice:
        yield f"voice: {n_voice} events"
    if measurement.utterances:
        source = measurement.settings["words_from"]
        yield f"words: {len(measurement.utterances)} utterances ({source})"
    for what in ("face", "voice", "words"):
        for row in measurement.not_measured:
            if row.what == what and row.person is None:
                during = f" {row.span.start_s:.2f}-{row.span.end_s:.2f} s" if row.span else ""
                yield f"{what}{during}: {row.reason}"


def _finish(
    path: Path, measured: Result, folder: Path, reasoner: Reasoner | None, page: Page
) -> Done:
    result = _reasoned(measured, folder, reasoner) if reasoner else measured
    written = page.write(result, folder)
    if reasoner:
        store.write_atomic(folder / _RUN_FILE, json.dumps({"key": reasoner.key(measured)}) + "\n")
    return Done(path, result, None, tuple(written))


def _reasoned(measured: Result, folder: Path, reasoner: Reasoner) -> Result:
    """From the folder where an earlier run left the very same explanation, else asked for."""
    try:
        run = json.loads((folder / _RUN_FILE).read_text("utf-8"))
        if run["key"] == reasoner.key(measured):
            earlier = store.load_result(folder / "result.json")
            return Result(
                measured.measurement,
                measured.observations,
                earlier.timelines,
                earlier.explanations,
            )
    except (OSError, ValueError, KeyError, TypeError, DemeanorError):
        pass  # nothing there, or not readable: reason anew
    return reasoner(measured)


def _guarded(path: Path, work: Callable[[], Done], console: Console) -> Done:
    """A bad clip is recorded, and the batch goes on, whatever went wrong with it."""
    try:
        return work()
    except (DemeanorError, OSError) as error:
        why = str(error)
    except Exception as error:
        why = f"{path}: {type(error).__name__}: {error}. A fault of Demeanor: please report it"
        console.print(traceback.format_exc(), soft_wrap=True, markup=False)
    console.print(f"  failed: {why}", soft_wrap=True, markup=False)
    return Done(path, None, why, ())


def _with_index(done: list[Done], page: Page) -> Batch:
    if len(done) < 2:
        return Batch(tuple(done), None)
    entries = [
        IndexEntry(
            path=d.path,
            folder=d.written[0].parent.relative_to(page.out) if d.written else None,
            result=d.result,
            error=d.error,
        )
        for d in done
    ]
    return Batch(tuple(done), write_index(entries, page.out))


@contextmanager
def _bar(console: Console, title: str) -> Iterator[Callable[..., None]]:
    """A progress bar over the seconds of one clip; a plain line where there is no terminal."""
    if not console.is_terminal:
        console.print(title, soft_wrap=True, markup=False)
        yield lambda **_: None
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(title, total=None)
        yield lambda **change: progress.update(task, **change)
