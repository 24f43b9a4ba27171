"""Real clips, pictures and sound, end to end through the command line."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from demeanor.serve.cli import app

CLIPS = [
    "WolfgangLanger_Pexels.mp4",
    "d10.mp4",
    "d11.mp4",
    "d12.mp4",
    "d18.mp4",
    "d19.mp4",
    "d20.mp4",
    "face_noface.mov",
    "jfk.flac",
    "multi_face.jpg",
    "no_face.mp4",
    "noface_face.mov",
    "s13.mp4",
    "s29.mp4",
    "single_face.jpg",
    "single_face.mp4",
]


@pytest.fixture(scope="module")
def explained(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """What the command says of each clip, by file name; result.json is read along."""
    out = tmp_path_factory.mktemp("clips")
    paths = [str(shared / "data/clips" / name) for name in CLIPS]
    options = ["--face-backend", "mesh", "--no-cache", "--chat", "prototype"]
    data = run(["explain", *paths, *options], out)
    assert (out / "index.html").is_file()
    return data


def run(command: list[str], out: Path) -> dict[str, dict]:
    """What is written of each clip, by its file's name."""
    done = CliRunner().invoke(app, [*command, "--json", "-o", str(out)])
    assert done.exit_code == 0, done.stderr
    data = {}
    for clip in json.loads(done.stdout)["clips"]:
        (clip["file"],) = (p for p in clip["written"] if p.endswith("result.json"))
        clip["result"] = json.loads(Path(clip["file"]).read_text())
        data[Path(clip["result"]["measurement"]["clip"]["path"]).name] = clip
    return data


@pytest.mark.parametrize("name", CLIPS)
def test_every_clip_ends_with_a_report_whose_claims_are_grounded(
    explained: dict[str, dict], name: str
) -> None:
    clip = explained[name]
    assert clip["error"] is None
    assert any(p.endswith("report.html") and Path(p).stat().st_size for p in clip["written"])
    for person in clip["people"]:
        assert person["grounded_share"] == 1.0
        assert person["abstained"] == (person["best_fit"] is None)
        assert person["abstained_reason"] or person["best_fit"]


def test_claims_of_the_small_model_are_grounded_as_well(
    explained: dict[str, dict], tmp_path: Path
) -> None:
    files = [str(clip["file"]) for clip in explained.values()]
    again = [part for file in files for part in ("--from", file)]
    data = run(["explain", *again, "--chat", "mini"], tmp_path)
    assert len(data) == len(CLIPS)
    shares = [
        claim["grounding"] == "GROUNDED"
        for clip in data.values()
        for told in clip["result"]["explanations"]
        for claim in told["evidence"]
    ]
    assert len(shares) > 100
    assert sum(shares) / len(shares) > 0.9
    assert all(p["best_fit"] or p["abstained"] for c in data.values() for p in c["people"])


def missing(clip: dict, what: str) -> list[dict]:
    return [n for n in clip["result"]["measurement"]["not_measured"] if n["what"] == what]


def test_no_face_is_said(explained: dict[str, dict]) -> None:
    clip = explained["no_face.mp4"]
    assert missing(clip, "face")[0]["reason"] == "no face was seen"
    assert clip["people"][0]["abstained"]


def test_the_span_without_a_face_is_named(explained: dict[str, dict]) -> None:
    leaves = missing(explained["face_noface.mov"], "face")[0]["span"]
    assert leaves["start_s"] == pytest.approx(2.4, abs=0.1)
    assert leaves["end_s"] > 6.0
    enters = missing(explained["noface_face.mov"], "face")[0]["span"]
    assert enters["start_s"] == 0.0
    assert enters["end_s"] == pytest.approx(4.0, abs=0.2)


def test_a_picture_is_a_clip_of_one_moment(explained: dict[str, dict]) -> None:
    clip = explained["single_face.jpg"]
    measurement = clip["result"]["measurement"]
    assert measurement["clip"]["duration_s"] == 0.0
    assert all(o["kind"] == "state" for o in clip["result"]["observations"])
    assert all(o["change_from_usual"] is None for o in clip["result"]["observations"])
    assert len(explained["multi_face.jpg"]["result"]["measurement"]["people"]) == 5


def test_a_smile_is_au12_with_au6_and_read_as_happiness(explained: dict[str, dict]) -> None:
    clip = explained["single_face.mp4"]
    smile = {o["code"]: o for o in clip["result"]["observations"] if o["kind"] == "event"}
    assert smile["AU12"]["peak"] >= 2.5
    assert "AU6" in smile
    assert smile["AU12"]["span"]["start_s"] <= smile["AU6"]["apex_s"]
    (person,) = clip["people"]
    assert person["best_fit"] == "happiness"
    assert person["confidence"] > 0.5


def test_sound_alone_is_heard_and_words_are_said_to_be_missing(explained: dict[str, dict]) -> None:
    clip = explained["jfk.flac"]
    assert missing(clip, "face")
    assert missing(clip, "words")
    assert {o["channel"] for o in clip["result"]["observations"]} == {"voice"}


def test_what_is_no_clip_is_a_clear_error(shared: Path, tmp_path: Path) -> None:
    clip = shared / "data/clips/OpenFace_Test.csv"
    done = CliRunner().invoke(app, ["explain", str(clip), "-o", str(tmp_path)])
    assert done.exit_code == 1
    assert "OpenFace_Test.csv" in done.stdout
    assert "--measurements" in done.stdout


def test_measurements_of_openface_are_explained_without_a_video(
    shared: Path, tmp_path: Path
) -> None:
    clip = shared / "data/clips/OpenFace_Test.csv"
    command = ["explain", "--measurements", str(clip), "--chat", "prototype", "--json"]
    done = CliRunner().invoke(app, [*command, "-o", str(tmp_path)])
    assert done.exit_code == 0, done.stderr
    (person,) = json.loads(done.stdout)["clips"][0]["people"]
    assert person["best_fit"] == "neutral"  # SOURCE.md: hardly any movement
