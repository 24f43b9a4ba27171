"""The command line: `demeanor explain`, `measure`, `models`, `doctor`, `labels`, `schema`.

Results go to files; what is printed is for people, or with --json for scripts. Exit codes: 0 all
went well, 1 some clip failed (the others are done), 2 the command itself cannot be carried out.
"""

import json
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

import demeanor.explain
from demeanor.explain.errors import DemeanorError
from demeanor.explain.pipeline import load_chat, load_front, neutral_options
from demeanor.explain.reasoning.chat import DEFAULT_CHAT, KNOWN_FORMS
from demeanor.explain.settings import load_settings
from demeanor.serve import batch, data, doctor, scoring, show
from demeanor.serve.building import build_command
from demeanor.serve.serving import serve_command
from demeanor.serve.tuning import export_base_command, finetune_command, merge_command

app = typer.Typer(
    help="Explains what a person in a clip appears to show, and why. Everything stays on this "
    "machine unless --chat names an address.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
models = typer.Typer(help="Face model files: what is here, and fetching what is not.")
app.add_typer(models, name="models", no_args_is_help=True)
app.add_typer(scoring.app, name="eval")
app.add_typer(data.app, name="data")
app.command("build")(build_command)
app.command("finetune")(finetune_command)
app.command("merge")(merge_command)
app.command("export-base")(export_base_command)
app.command("serve")(serve_command)
_err = Console(stderr=True, highlight=False)


class Level(StrEnum):
    """Letters of FACS intensity."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"


class EmbedChoice(StrEnum):
    NONE = "none"
    FRAMES = "frames"
    VIDEO = "video"


Clips = Annotated[
    list[Path] | None,
    typer.Argument(help="Videos, pictures, sound files or folders of them; `demo` for our own."),
]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.")]
Transcript = Annotated[
    Path | None, typer.Option(help=".srt, .vtt or .txt; default: the one beside the clip.")
]
Asr = Annotated[
    str | None,
    typer.Option(help="Speech recogniser: whisper:MODEL or transformers:MODEL, name or folder."),
]
Language = Annotated[str | None, typer.Option(help="Language spoken, e.g. en; for --asr.")]
Face = Annotated[
    str, typer.Option("--face-backend", help="auto, mesh, landmarker; pyfeat, libreface.")
]
Voice = Annotated[
    str, typer.Option("--voice-backend", help="own, or opensmile (its licence is not ours).")
]
NeutralAt = Annotated[
    str | None, typer.Option(help="When the face is at rest: 00:03 or 3.0-4.5; default: found.")
]
NeutralClip = Annotated[
    Path | None, typer.Option(help="Another clip of the same person, that shows the face at rest.")
]
SettingsFile = Annotated[Path | None, typer.Option("--settings", help="YAML of thresholds.")]
Embed = Annotated[EmbedChoice, typer.Option(help="What the HTML report carries of the clip.")]
Blur = Annotated[bool, typer.Option("--blur", help="Blur faces in the report's pictures.")]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Measure again, keep nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document for scripts.")]
Measurements = Annotated[
    list[Path] | None,
    typer.Option("--measurements", help="CSV of OpenFace, py-feat or LibreFace instead of a clip."),
]
Fps = Annotated[
    float | None, typer.Option(help="Frames per second, for measurements without times.")
]


@app.command()
def explain(
    clips: Clips = None,
    out: Out = Path("demeanor-out"),
    chat: Annotated[
        str,
        typer.Option(help=", ".join(KNOWN_FORMS)),
    ] = DEFAULT_CHAT,
    adapter: Annotated[Path | None, typer.Option(help="LoRA adapter for --chat local:…")] = None,
    quantize: Annotated[str | None, typer.Option(help="4bit, for --chat local:…")] = None,
    constrain: Annotated[
        bool, typer.Option("--constrain", help="Hold the reply of --chat local:… to its form.")
    ] = False,
    labels: Annotated[str, typer.Option(help="Label set (see `demeanor labels`) or YAML.")] = (
        "rafdb7"
    ),
    person: Annotated[
        str | None, typer.Option(help="p1, p2 … or all; default: who is seen longest.")
    ] = None,
    transcript: Transcript = None,
    asr: Asr = None,
    language: Language = None,
    face: Face = "auto",
    voice: Voice = "own",
    neutral_at: NeutralAt = None,
    neutral_clip: NeutralClip = None,
    settings: SettingsFile = None,
    embed: Embed = EmbedChoice.FRAMES,
    blur: Blur = False,
    no_cache: NoCache = False,
    again: Annotated[
        list[Path] | None,
        typer.Option("--from", help="A result.json: reason again without decoding."),
    ] = None,
    measurements: Measurements = None,
    fps: Fps = None,
    as_json: AsJson = False,
) -> None:
    """Explain clips: a report each, and an index page where there are several."""

    def work() -> batch.Batch:
        thresholds = load_settings(settings)
        reasoner = batch.Reasoner(
            load_chat(chat, adapter, thresholds, quantize, constrain), labels, person, thresholds
        )
        page = batch.Page(out, embed.value, blur)
        if again or measurements:
            return batch.reason_again(again or [], measurements or [], fps, reasoner, page, _err)
        neutral = neutral_options(neutral_at, neutral_clip)
        front = load_front(face, voice, asr, language, thresholds, not no_cache, _say, neutral)
        return batch.explain_all(clips or [], transcript, front, reasoner, page, _err)

    _carry_out(work, clips, again, measurements, as_json)


@app.command()
def measure(
    clips: Clips = None,
    out: Out = Path("demeanor-out"),
    transcript: Transcript = None,
    asr: Asr = None,
    language: Language = None,
    face: Face = "auto",
    voice: Voice = "own",
    neutral_at: NeutralAt = None,
    neutral_clip: NeutralClip = None,
    settings: SettingsFile = None,
    embed: Embed = EmbedChoice.FRAMES,
    blur: Blur = False,
    no_cache: NoCache = False,
    measurements: Measurements = None,
    fps: Fps = None,
    as_json: AsJson = False,
) -> None:
    """Measure clips only: face, voice and words, and no emotion is inferred."""

    def work() -> batch.Batch:
        thresholds = load_settings(settings)
        page = batch.Page(out, embed.value, blur)
        if measurements:
            return batch.reason_again([], measurements, fps, None, page, _err)
        neutral = neutral_options(neutral_at, neutral_clip)
        front = load_front(face, voice, asr, language, thresholds, not no_cache, _say, neutral)
        return batch.explain_all(clips or [], transcript, front, None, page, _err)

    _carry_out(work, clips, None, measurements, as_json)


@models.command("list")
def models_list() -> None:
    """What model files are known, and where they are."""
    Console().print(doctor.model_table())


@models.command("pull")
def models_pull() -> None:
    """Fetch all model files, so that the machine can work offline."""
    missing = doctor.pull(_say)
    Console().print(doctor.model_table())
    for name, why in missing:
        _err.print(f"{name}: {why}", soft_wrap=True)
    raise typer.Exit(1 if missing else 0)


@app.command("doctor")
def doctor_command(as_json: AsJson = False) -> None:
    """What is here, what is missing, and what each missing part costs."""
    checks = doctor.examine()
    if as_json:
        print(json.dumps([check.as_dict() for check in checks], indent=1))
    else:
        Console().print(doctor.table(checks))
    raise typer.Exit(0 if doctor.can_work(checks) else 1)


@app.command("labels")
def labels_command() -> None:
    """The label sets known by name, with their sources."""
    from demeanor.explain.corpora.labels import known_label_sets, label_set

    table = Table("name", "labels", "source", title="Label sets")
    for known in map(label_set, known_label_sets()):
        table.add_row(known.name, ", ".join(known.labels), known.source)
    Console().print(table)


@app.command("compare-facs")
def compare_facs(
    results: Annotated[Path, typer.Argument(help="A result.json, a folder of them, or a CSV.")],
    codes: Annotated[
        Path, typer.Argument(help="FACS codes: CSV, ELAN .eaf, DISFA or BP4D; file or folder.")
    ],
    fps: Annotated[
        float | None, typer.Option(help="Frames per second that the codes' frame numbers count.")
    ] = None,
    first_frame: Annotated[
        int | None, typer.Option(help="Number of the first frame in the codes; default 0 or 1.")
    ] = None,
    level: Annotated[Level, typer.Option(help="Present from this intensity on.")] = Level.B,
    tolerance_s: Annotated[
        float, typer.Option(min=0.0, help="How far apart events may be and still match.")
    ] = 0.2,
    person: Annotated[
        str | None, typer.Option(help="p1, p2 …; default: who is seen longest.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare our action units with your own FACS codes, unit by unit."""
    from demeanor.eval.compare_facs import Options
    from demeanor.serve import facs

    options = Options(fps, first_frame, level.value, tolerance_s, person)
    try:
        compared = facs.compare_files(results, codes, options)
    except DemeanorError as error:
        _err.print(f"Error: {error}", soft_wrap=True, markup=False)
        raise typer.Exit(2) from error
    if as_json:
        print(json.dumps(compared.as_dict(), ensure_ascii=False, indent=1))
    else:
        facs.show(compared, Console(highlight=False, soft_wrap=True))
    raise typer.Exit(1 if compared.failed else 0)


@app.command()
def schema() -> None:
    """The JSON Schema of result.json."""
    from demeanor.explain.store import json_schema

    print(json.dumps(json_schema(), indent=1))


@app.command()
def version() -> None:
    """The version of Demeanor."""
    print(demeanor.explain.__version__)


def main() -> None:
    app()


def _carry_out(
    work: Callable[[], batch.Batch],
    clips: list[Path] | None,
    again: list[Path] | None,
    measurements: list[Path] | None,
    as_json: bool,
) -> None:
    if not (clips or again or measurements):
        _err.print("Nothing to do: name a clip, a folder, or `demo`. Help: demeanor explain --help")
        raise typer.Exit(2)
    try:
        done = work()
    except DemeanorError as error:
        _err.print(f"Error: {error}", soft_wrap=True, markup=False)
        raise typer.Exit(2) from error
    if as_json:
        json.dump(done.as_dict(), sys.stdout, ensure_ascii=False, indent=1)
        print()
    else:
        show.batch(done, Console(highlight=False, soft_wrap=True))
    raise typer.Exit(1 if done.failed else 0)


def _say(line: str) -> None:
    _err.print(line, soft_wrap=True, markup=False)


if __name__ == "__main__":
    main()
