"""`demeanor eval`: predictions in, scores out, or a system asked (running.py); two reports side by
side; word tables fetched.

Exit codes: 0 scored, 1 nothing could be scored (or some table could not be fetched), 2 the
command itself cannot be carried out.
"""

import dataclasses
import json
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from demeanor.explain.errors import DemeanorError
from demeanor.explain.reasoning.chat import DEFAULT_CHAT, KNOWN_FORMS
from demeanor.serve import judging, running
from demeanor.serve.listing import tasks_command
from demeanor.serve.task_names import ASKABLE, OF_CORPORA
from demeanor.serve.unibench import unibench_command
from demeanor.serve.viewing import export_command, view_command

if TYPE_CHECKING:
    from demeanor.eval.ablation import Compared
    from demeanor.eval.picked import Picked
    from demeanor.eval.report import Comparison, Report
    from demeanor.eval.runs import Run
    from demeanor.eval.tables import WordTable

app = typer.Typer(
    help="Score predictions of any system, with what the number is worth. Tasks: `demeanor eval "
    "tasks`.",
    no_args_is_help=True,
)
tables = typer.Typer(help="Word tables: which words count as the same emotion.")
app.add_typer(tables, name="tables", no_args_is_help=True)
app.command("tasks")(tasks_command)
app.command("unibench")(unibench_command)
app.command("view")(view_command)
app.command("export")(export_command)
_err = Console(stderr=True, highlight=False)
_N_SCORES = 12  # of a comparison in the text; --json has all
_N_FAILURES = 5  # shown; failures.jsonl has all
T = TypeVar("T")


class Words(StrEnum):
    V2025 = "v2025"
    V2026 = "v2026"
    D1 = "d1"


Predicted = Annotated[
    list[Path],
    typer.Option(
        "--predictions",
        help="JSON lines, CSV or npz with id and pred. Several: checkpoints of one system.",
    ),
]
PredictedOrNot = Annotated[
    list[Path] | None,
    typer.Option("--predictions", help="Score these instead of asking a system."),
]
Gold = Annotated[
    Path | None,
    typer.Option(help="File with id and gt, or the corpus itself: what `eval tasks` says."),
]
WordsOption = Annotated[
    Words | None,
    typer.Option("--words", help="Word table; default: v2026 with --tables, else d1."),
]
Tables = Annotated[
    Path | None, typer.Option("--tables", help="Folder of OV-MER's tables; default: as pulled.")
]
LevelOption = Annotated[int, typer.Option(min=1, max=2, help="Ring of the wheels: 1 or 2.")]
Extract = Annotated[
    str | None,
    typer.Option(help="Labels out of free text: rule (the table's words in it), or a chat model."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document for scripts.")]
Force = Annotated[bool, typer.Option("--force", help="Compare in spite of different signatures.")]


def _command(task_name: str) -> Callable[..., None]:
    def run(
        predictions: Predicted,
        gold: Gold = None,
        words: WordsOption = None,
        folder: Tables = None,
        level: LevelOption = 1,
        extract: Extract = None,
        as_json: AsJson = False,
    ) -> None:
        _score(task_name, predictions, gold, (words, folder, level), None, extract, as_json)

    return run


def _asking_command(task_name: str) -> Callable[..., None]:
    def run(
        chat: Annotated[
            str,
            typer.Option(help=", ".join(KNOWN_FORMS)),
        ] = DEFAULT_CHAT,
        data: Annotated[
            Path | None, typer.Option(help="Folder or table of samples; see docs/evaluation.md.")
        ] = None,
        media: Annotated[
            Path | None, typer.Option(help="Folder of a corpus' pictures or clips.")
        ] = None,
        out: Annotated[Path, typer.Option("--out", "-o", help="Folder for runs.")] = Path("runs"),
        labels: Annotated[str | None, typer.Option(help="Label set or YAML.")] = None,
        adapter: Annotated[Path | None, typer.Option(help="LoRA adapter, --chat local:…")] = None,
        extract: Extract = None,
        masked: Annotated[
            bool, typer.Option(help="Hide emotion words in texts.", show_default=True)
        ] = True,
        without: Annotated[
            list[str] | None, typer.Option(help="Leave out face, voice or words; repeatable.")
        ] = None,
        ablate: Annotated[
            bool, typer.Option("--ablate", help="All channels, then each alone, compared.")
        ] = False,
        order: Annotated[
            str, typer.Option(help="reasons-first, label-first, or both, compared.")
        ] = "reasons-first",
        split: Annotated[
            str | None, typer.Option(help="Split that is scored; default: test or held-out.")
        ] = None,
        allow_leaks: Annotated[
            bool, typer.Option("--allow-leaks", help="Run though splits share samples.")
        ] = False,
        limit: Annotated[
            int | None, typer.Option(min=1, help="The first so many samples: a trial.")
        ] = None,
        workers: Annotated[
            int | None, typer.Option(min=1, help="Samples asked about at once.")
        ] = None,
        face: Annotated[
            str, typer.Option("--face-backend", help="auto, mesh, landmarker; pyfeat, libreface.")
        ] = "auto",
        settings: Annotated[
            Path | None, typer.Option("--settings", help="YAML of thresholds.")
        ] = None,
        predictions: PredictedOrNot = None,
        gold: Gold = None,
        words: WordsOption = None,
        folder: Tables = None,
        level: LevelOption = 1,
        as_json: AsJson = False,
    ) -> None:
        if predictions:
            _score(task_name, predictions, gold, (words, folder, level), labels, extract, as_json)

        def work() -> "Run | Compared":
            wanted = running.Wanted(
                task=task_name,
                chat=chat,
                data=data,
                media=media,
                out=out,
                labels=labels,
                adapter=adapter,
                extract=extract,
                masked=masked,
                without=tuple(without or ()),
                order=order,
                split=split,
                allow_leaks=allow_leaks,
                ablate=ablate,
                workers=workers,
                face=face,
                settings=settings,
                table=_table_for(task_name, words, folder),
                level=level,
                limit=limit,
            )
            return running.carry_out(wanted, _err)

        _shown(_guarded(work), as_json)

    return run


# Names are known without loading the metrics: `demeanor --help` stays quick.
RELEASED_NAMES = ("ovmerd", "ovmerdplus", "meld", "cmumosi", "rafdb-gpt4v", "dfew-gpt4v")
TASK_NAMES = (*RELEASED_NAMES, *running.ASKED_NAMES, *OF_CORPORA)
for _name in (*RELEASED_NAMES, *OF_CORPORA):
    if _name not in ASKABLE:
        app.command(_name, help=f"Score predictions on {_name}.")(_command(_name))
for _name in (*running.ASKED_NAMES, *ASKABLE):
    app.command(_name, help=f"Ask a system about {_name}, or score predictions on it.")(
        _asking_command(_name)
    )


def _score(
    task_name: str,
    predictions: list[Path],
    gold: Path | None,
    words: "tuple[Words | None, Path | None, int]",
    labels: str | None,
    extract: str | None,
    as_json: bool,
) -> NoReturn:
    """One file's report; of several, the best one's, which says that it was picked here."""
    console = Console(highlight=False, soft_wrap=True)

    def work() -> "Report":
        from demeanor.eval.picked import picked

        reports = [
            _evaluate(task_name, path, gold, *words, labels, extract) for path in predictions
        ]
        if len(reports) == 1:
            return reports[0]
        found = picked([path.stem for path in predictions], reports)
        if not as_json:
            show_picked(found, console)
        best = reports[found.names.index(found.best)]
        return dataclasses.replace(best, notes=(found.warning, *best.notes))

    report = _guarded(work)
    if as_json:
        from demeanor.eval.report import to_json

        sys.stdout.write(to_json(report))
    else:
        show(report, console)
    raise typer.Exit(0 if report.n_scored else 1)


def _shown(done: "Run | Compared", as_json: bool) -> None:
    """What was run, where it lies, and an exit code that says whether all samples were answered."""
    from demeanor.eval.ablation import Compared
    from demeanor.eval.report import to_json

    console = Console(highlight=False, soft_wrap=True)
    runs = done.runs if isinstance(done, Compared) else (done,)
    if as_json:
        sys.stdout.write(to_json(runs[0].report))
    elif isinstance(done, Compared):
        console.print(done.as_text(), markup=False)
    else:
        show(done.report, console)
    for made in runs:
        _err.print(f"{made.folder}", soft_wrap=True, markup=False)
        for failure in made.failures[:_N_FAILURES]:
            _err.print(f"  failed: {failure.item_id}: {failure.reason}", soft_wrap=True,
                       markup=False)  # fmt: skip
        if len(made.failures) > _N_FAILURES:
            _err.print(f"  {len(made.failures)} failed in all: see failures.jsonl")
    ok = all(not made.failures and made.report.n_scored for made in runs)
    raise typer.Exit(0 if ok else 1)


@app.command("leaks")
def leaks_command(
    file: Annotated[Path, typer.Argument(help="Table of samples with a column split.")],
    as_json: AsJson = False,
) -> None:
    """Find what splits share: subjects, source videos, files, near-copies. Exit code 1: some do."""
    found = _guarded(lambda: running.check_file(file, _err))
    if as_json:
        print(json.dumps(dataclasses.asdict(found), ensure_ascii=False, indent=1))
    else:
        console = Console(highlight=False, soft_wrap=True)
        for leak in found.leaks:
            console.print(str(leak), markup=False)
        console.print(running.leak_note(found), markup=False)
    raise typer.Exit(1 if found.leaks else 0)


@app.command("judge")
def judge_command(
    source: Annotated[
        Path, typer.Argument(help="A run folder, or JSON lines with id, reference, candidate.")
    ],
    references: Annotated[
        Path | None, typer.Option(help="JSON lines with id and reference (or description).")
    ] = None,
    judge: Annotated[str, typer.Option(help="builtin, or a chat model as for --chat.")] = "builtin",
    kind: Annotated[str, typer.Option(help="clues or labels.")] = "clues",
    teacher: Annotated[
        list[str] | None, typer.Option(help="Model that taught the answering one; repeatable.")
    ] = None,
    repeat: Annotated[bool, typer.Option(help="Ask again, for agreement with itself.")] = True,
    turn: Annotated[bool, typer.Option(help="Ask with the texts exchanged.")] = True,
    other: Annotated[
        bool, typer.Option(help="Ask about another sample's reference: what chance gives.")
    ] = True,
    force: Annotated[
        bool, typer.Option("--force", help="Judge even what the judge itself wrote or taught.")
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Default: beside it.")] = None,
    as_json: AsJson = False,
) -> None:
    """How far explanations name the clues or labels of reference texts, from 1 to 10."""
    wanted = judging.Wanted(
        source, references, judge, kind, tuple(teacher or ()), repeat, turn, other, force, out
    )
    report, folder = _guarded(lambda: judging.carry_out(wanted))
    if as_json:
        from demeanor.eval.report import to_json

        sys.stdout.write(to_json(report))
    else:
        show(report, Console(highlight=False, soft_wrap=True))
    _err.print(str(folder), soft_wrap=True, markup=False)
    raise typer.Exit(0 if report.n_scored else 1)


@app.command("compare")
def compare_command(
    first: Annotated[Path, typer.Argument(help="What `demeanor eval TASK … --json` printed.")],
    second: Annotated[Path, typer.Argument(help="The same for another system.")],
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Two systems on the same samples: differences, their intervals, a paired test."""
    from demeanor.eval import report

    found = _guarded(lambda: report.compare(report.load(first), report.load(second), force))
    if as_json:
        print(json.dumps(dataclasses.asdict(found), ensure_ascii=False, indent=1))
    else:
        show_comparison(found, Console(highlight=False, soft_wrap=True))


@tables.command("pull")
def tables_pull() -> None:
    """Fetch OV-MER's word tables (v2025, v2026). Their licence is not ours: it is shown first."""
    from demeanor.eval import fetch

    failed = fetch.pull(lambda line: _err.print(line, soft_wrap=True, markup=False))
    for name, why in failed:
        _err.print(f"{name}: {why}", soft_wrap=True, markup=False)
    raise typer.Exit(1 if failed else 0)


def _guarded(work: Callable[[], T]) -> T:
    try:
        return work()
    except DemeanorError as error:
        _err.print(f"Error: {error}", soft_wrap=True, markup=False)
        raise typer.Exit(2) from error


def _evaluate(
    name: str,
    predictions: Path,
    gold: Path | None,
    words: Words | None,
    folder: Path | None,
    level: int,
    labels: str | None = None,
    extract: str | None = None,
) -> "Report":
    from demeanor.eval.report import Origin, evaluate
    from demeanor.eval.tasks import Setting, task
    from demeanor.eval.tasks.asked import ASKED
    from demeanor.eval.tasks.gold import read_samples
    from demeanor.explain.corpora.labels import label_set

    chosen, setting = task(name), Setting(_table_for(name, words, folder), level)
    if name in ASKED:
        setting = dataclasses.replace(setting, labels=labels or ASKED[name].labels)
        chosen = ASKED[name].scored_with(label_set(setting.labels))
    read = read_samples(chosen, predictions, gold)
    stray = f"{len(read.without_gold)} predictions have no gold label and are passed over."
    notes = [stray] if read.without_gold else []
    extractor = running.extractor(extract, setting.table, chosen.grouped)
    if extractor is None:
        return evaluate(chosen, read.samples, setting, notes=notes)
    samples = [
        s if s.predicted is None
        else dataclasses.replace(s, predicted=extractor.labels(str(s.predicted)))
        for s in read.samples
    ]  # fmt: skip
    return evaluate(chosen, samples, setting, Origin(extractor.name), notes=notes)


def _table_for(name: str, words: Words | None, folder: Path | None) -> "WordTable | None":
    from demeanor.eval.tables import load_table
    from demeanor.eval.tasks import task

    version = words or (Words.V2026 if folder else Words.D1)
    return load_table(version.value, folder) if task(name).grouped else None


# Text -----------------------------------------------------------------------------------------


def show(report: "Report", console: Console) -> None:
    from demeanor.eval import text

    console.print(report.title, markup=False)
    table = Table(*text.HEAD)
    for row in text.rows(report):
        table.add_row(*row)
    console.print(table)
    for line in text.said(report):
        console.print(line, markup=False)


def show_comparison(found: "Comparison", console: Console) -> None:
    from demeanor.eval.text import number

    table = Table("score", found.first, found.second, "difference", "95% interval", "p")
    for row in found.differences[:_N_SCORES]:
        span = "–" if row.interval is None else "{:+.2f} to {:+.2f}".format(*row.interval)
        p = "–" if row.p is None else f"{row.p:.4f}"
        values = (number(row.first), number(row.second), f"{row.difference:+.2f}")
        table.add_row(row.name, *values, span, p)
    console.print(table)
    console.print(f"Over {found.n_both} samples that both scored; only one scored {found.n_one}.")
    for key, (a, b) in found.forced.items():
        console.print(f"forced: {key}: {a} and {b}", markup=False)


def show_picked(found: "Picked", console: Console) -> None:
    table = Table("predictions", "value")
    for name, value in zip(found.names, found.values, strict=True):
        table.add_row(name, f"{value:.2f}")
    console.print(table)
