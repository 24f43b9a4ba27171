"""The section on people: gates, cuts, nods and shakes, and who speaks."""

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from scipy.signal import resample_poly

from benchmarks.perception import measured
from benchmarks.perception.fit import filled, neutral
from benchmarks.perception.tables import markdown, number
from demeanor.explain.demo import demo_clip
from demeanor.explain.demo.script import Line, Script
from demeanor.explain.demo.speech import SAMPLE_RATE_HZ, speak
from demeanor.explain.perception.action_units import action_unit_model
from demeanor.explain.perception.face import FaceBackend, FaceMesh, roi_of_mesh
from demeanor.explain.perception.face_tracks import FaceRecorder
from demeanor.explain.perception.geometry import template
from demeanor.explain.perception.hands import HANDS, covered
from demeanor.explain.perception.head_events import head_events
from demeanor.explain.perception.measure import measure_clip
from demeanor.explain.perception.media import Frame, Losses, open_clip, read
from demeanor.explain.perception.models import face_backend
from demeanor.explain.perception.picture import Picture
from demeanor.explain.perception.shots import Shots
from demeanor.explain.perception.speakers import turns
from demeanor.explain.perception.tracking import Seen
from demeanor.explain.perception.visibility import view
from demeanor.explain.perception.voice import VoiceAnalyser
from demeanor.explain.records import Channel, Clip, CueTrack, Source, SourceKind, Span, Unit
from demeanor.explain.settings import load_settings

SETTINGS = load_settings()
DRAWN = Source(SourceKind.MACHINE, "drawn", "1")
N_HANDS, N_SPOILT, N_AT_ONCE = 300, 60, 50
APART_S = 10.0  # pictures are frames of a clip, too far apart to tell of each other
CLIPS = ("WolfgangLanger_Pexels", "d10", "d11", "d12", "d18", "d19", "d20", "s13", "s29",
         "single_face", "no_face")  # fmt: skip
SENTENCES = (
    "The road goes over the hill and down to the river.",
    "We put seven blue boxes on the wooden table.",
    "You could open both windows before the rain begins.",
    "My neighbour grows tomatoes and beans behind the house.",
    "Yes, that is right.",
    "No.",
    "I think so too, but wait.",
)
Spoil = Callable[[np.ndarray, float, np.ndarray, np.random.Generator], np.ndarray]


def section(shared: Path, work: Path) -> str:
    backend = face_backend("mesh")
    faces = measured.faces(backend, shared, work)
    folder = shared / "data" / "faces" / "images"
    return "\n\n".join([
        "## People",
        "What a person can be told apart by, and what hides them. Backend `mesh`.",
        _ordinary(backend, faces, folder),
        _spoilt(backend, faces, folder),
        _hands(backend, shared / "data" / "clips"),
        _cuts(shared / "data" / "clips"),
        _heads(),
        _speakers(),
        "Not known: how often hands are missed (there are no labelled ones here; fists and hands "
        "that the picture cuts off were seen to be), how leaning and averted eyes compare with "
        "what people would say, and how people keep their ids in films that were cut by others.",
    ])  # fmt: skip


# Gates -------------------------------------------------------------------------------------


def _ordinary(backend: FaceBackend, faces: measured.Table, folder: Path) -> str:
    """Share of neutral pictures in which each gate fires."""
    rows = np.flatnonzero(neutral(faces))
    hands = getattr(backend, "hands", None)
    seen, count, n_hands = [], dict[str, int](), 0
    for k, i in enumerate(rows.tolist()):
        picture = Picture(measured._read(folder / str(faces["image"][i])))
        points = faces["points"][i]
        hand = None
        if hands is not None and k % max(1, len(rows) // N_HANDS) == 0:
            hand, n_hands = covered(hands.find(picture, points), points), n_hands + 1
        eyes = faces["lids"][i], faces["irises"][i]
        face = FaceMesh(points, *eyes, 1.0, None, faces["texture"][i])
        seen.append(Seen(k, APART_S * k, face, view(picture, points), hand))
    for start in range(0, len(seen), N_AT_ONCE):
        for reason in _reasons(seen[start : start + N_AT_ONCE]):
            count[reason] = count.get(reason, 0) + 1
    table = [
        [reason, n, f"{100 * n / (n_hands if 'a hand' in reason else len(rows)):.1f}"]
        for reason, n in sorted(count.items(), key=lambda item: -item[1])
    ]
    return "\n".join([
        f"### Gates on ordinary faces\n\n{len(rows)} neutral press pictures of 350 x 350 pixels "
        f"({n_hands} of them looked at for hands; of all 1,465, once, one fired, and shows a hand "
        "at the mouth). Each gate may fire on at most 2%. Of the pictures with covered eyes, most "
        "show dark glasses: that gate fires rightly there. The thresholds for light, focus "
        "and glasses were chosen with these pictures in view, so this is no test of them; the "
        "five people of `multi_face.jpg`, one with sunglasses, were not: it alone was found.",
        "", markdown(["gate", "fires", "percent"], table),
    ])  # fmt: skip


def _reasons(seen: Sequence[Seen]) -> Iterator[str]:
    """Why something of each face is not measured, once for each reason."""
    first_s = seen[0].time_s
    clip = Clip("m", "c", Span(0, 1e6), Path("x"), 1e6, 1.0, None, 350, 350)
    recorder = FaceRecorder(action_unit_model("mesh"), DRAWN, clip, SETTINGS.face)
    for one in seen:
        recorder.frame(one.time_s - first_s)
    for one in seen:
        recorder.add(Seen(one.track, one.time_s - first_s, one.mesh, one.view, one.hand))
    found = recorder.finish(SETTINGS)
    for person in found.people:
        tracks = [t for t in found.tracks if t.person == person.person and t.code.startswith("AU")]
        reasons = {why for t in tracks for _, why in t.missing}
        yield from reasons - {"the face is not seen", "the eyes are closed"}


def _spoilt(backend: FaceBackend, faces: measured.Table, folder: Path) -> str:
    rng = np.random.default_rng(21)
    rows = rng.permutation(np.flatnonzero(neutral(faces)))[:N_SPOILT]
    model, s = action_unit_model("mesh"), SETTINGS.face
    kinds: list[tuple[str, Spoil | None, float]] = [
        ("as it is", None, 0.0),
        *((f"{part} of the light, with noise", _darker, part) for part in (0.3, 0.2, 0.12, 0.07)),
        *((f"moved by {part} of its width", _moved, part) for part in (0.05, 0.1, 0.15, 0.2)),
        *((f"out of focus by {share} of it", _soft, share) for share in (0.01, 0.02, 0.04)),
        *((f"glasses of grey {grey:.0f}", _glasses, grey) for grey in (10.0, 40.0)),
    ]  # fmt: skip
    levels, table = {}, []
    for name, spoil, size in kinds:
        meshes, views = [], []
        for i in rows.tolist():
            rgb, points = measured._read(folder / str(faces["image"][i])), faces["points"][i]
            picture = Picture(rgb if spoil is None else spoil(rgb, size, points, rng))
            points, _ = backend.points(picture, roi_of_mesh(points))
            points, presence = backend.points(picture, roi_of_mesh(points))
            meshes.append(backend.details(picture, points, presence))
            views.append([*view(picture, points).tolist(), presence])
        levels[name] = _levels(meshes, model)
        moved = np.abs(levels[name] - levels["as it is"]).mean()
        bright, detail, eyes, presence = np.array(views).T
        table.append([
            name, number(float(moved)), *(
                f"{100 * np.mean(hit):.0f}"
                for hit in (bright < s.dark, detail < s.blurred, eyes < s.covered_eyes,
                            presence < s.presence)
            ),
        ])  # fmt: skip
    head = ["picture", "AUs move by (mean, FACS)", "dark", "blurred", "eyes covered", "no face"]
    return "\n".join([
        f"### Gates on spoilt faces\n\n{N_SPOILT} neutral pictures, spoilt here: how far the "
        "action units move from where they were, and in how many percent each gate fires. Of the "
        "same collection as the pictures that the thresholds were chosen on.",
        "", markdown(head, table),
    ])  # fmt: skip


def _levels(meshes: Sequence[FaceMesh], model: object) -> np.ndarray:
    known = action_unit_model("mesh")
    names = ("points", "lids", "irises", "texture")
    table = {name: np.stack([getattr(m, name) for m in meshes]) for name in names}
    x = filled(measured.measures(table, template("mesh")), known.centre)
    return np.asarray((x - known.centre) @ known.weights[:, : len(known.codes)])


def _packed(rgb: np.ndarray) -> np.ndarray:
    """As a camera would store it."""
    bgr = np.ascontiguousarray(np.clip(rgb, 0, 255).astype(np.uint8)[..., ::-1])
    packed = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 75])[1]
    return np.ascontiguousarray(cv2.imdecode(packed, cv2.IMREAD_COLOR)[..., ::-1])


def _darker(
    rgb: np.ndarray, share: float, points: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    return _packed(rgb * share + rng.normal(0, 3, rgb.shape))


def _moved(
    rgb: np.ndarray, share: float, points: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Along any direction."""
    n = round(share * float(np.ptp(points[:, 0]))) | 1
    kernel, angle, c = np.zeros((n, n), np.float32), rng.uniform(0, math.pi), n // 2
    dx, dy = math.cos(angle) * n / 2, math.sin(angle) * n / 2
    cv2.line(kernel, (round(c - dx), round(c - dy)), (round(c + dx), round(c + dy)), 1.0)
    return _packed(cv2.filter2D(rgb, -1, kernel / kernel.sum()))


def _soft(
    rgb: np.ndarray, share: float, points: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    return _packed(cv2.GaussianBlur(rgb, (0, 0), share * float(np.ptp(points[:, 0]))))


def _glasses(
    rgb: np.ndarray, grey: float, points: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    out, across = rgb.copy(), points[263, :2] - points[33, :2]
    eyes_px, angle = float(np.linalg.norm(across)), math.degrees(math.atan2(across[1], across[0]))
    for corners in ((33, 133), (263, 362)):
        x, y = points[list(corners), :2].mean(axis=0).tolist()
        y += 0.03 * eyes_px
        shape = ((x, y), (0.42 * eyes_px, 0.34 * eyes_px), angle)
        cv2.ellipse(out, shape, (grey, grey, grey), -1, cv2.LINE_AA)
    return _packed(out)


def _hands(backend: FaceBackend, folder: Path) -> str:
    """The one clip here in which a hand is at a face, and the others."""
    rows = []
    for path in [path for name in CLIPS for path in folder.glob(f"{name}.m*")]:
        found = [e for e in measure_clip(path, backend, SETTINGS).events if e.code in HANDS]
        said = np.zeros(3000, bool)  # hundredths of a second
        for event in found:
            said[round(100 * event.span.start_s) : round(100 * event.span.end_s)] = True
        truth = np.zeros(3000, bool)
        if path.stem == "WolfgangLanger_Pexels":
            truth[260:960] = True
        seconds = (truth.sum(), (said & truth).sum(), (said & ~truth).sum())
        rows.append([path.stem, *(f"{n / 100:.1f}" for n in seconds)])
    head = ["clip", "a hand is there (s)", "and was told (s)", "told and not there (s)"]
    return "\n".join([
        "### Hands at the face\n\nClips, with seconds in which a hand is before the face (judged "
        "by eye in 14 frames, to .3 s): one clip alone shows one, so this is no estimate.",
        "", markdown(head, rows),
    ])  # fmt: skip


# Cuts --------------------------------------------------------------------------------------


def _cuts(folder: Path) -> str:
    paths = [path for name in CLIPS for path in folder.glob(f"{name}.m*") if path.suffix != ".jpg"]
    known, false = {}, 0
    for path in [*paths, demo_clip()]:
        clip, shots, small = open_clip(path, SETTINGS.media), Shots(), []
        for item in read(clip, SETTINGS.media, Losses()):
            if isinstance(item, Frame):
                shots.add(item.time_s, item.picture)
                small.append(item.picture.thumbnail(96))
        known[path.name], false = small, false + len(shots.cuts_s)
    n_frames = sum(len(frames) for frames in known.values())
    table = [[f"{step}", *_joined_clips(known, step)] for step in (1, 2, 4)]
    head = ["every … frame", "cuts", "found", "false", "shots that return", "known again",
            "a shot taken for another"]  # fmt: skip
    return "\n".join([
        f"### Cuts\n\nThe {len(known)} clips without a cut ({n_frames} frames, some with violent "
        f"movement) have {false} false cuts. Below: 150 rows of three stretches, of one clip, of "
        "another, and of the first again a little later; every second or fourth frame stands for "
        "fewer frames a second. The rule was made with these clips in view.",
        "", markdown(head, table),
        "", "What is assumed: a face after a cut is another person, except where an earlier shot "
        "returns with a face of that size in that place. No identity is computed. Cuts between "
        "two people before the same ground, fades and dissolves are not looked for.",
    ])  # fmt: skip


def _joined_clips(known: dict[str, list[np.ndarray]], step: int) -> list[object]:
    rng, n = np.random.default_rng(7), 18
    names = [name for name in known if len(known[name]) >= 2 * n * step]
    wanted = found = false = again = wrong = 0
    for _ in range(150):
        a, b = (known[str(name)] for name in rng.choice(names, 2, replace=False))
        i, j = (
            int(rng.integers(len(a) - 2 * n * step + 1)),
            int(rng.integers(len(b) - n * step + 1)),
        )
        frames = [*a[i : i + n * step : step], *b[j : j + n * step : step],
                  *a[i + n * step : i + 2 * n * step : step]]  # fmt: skip
        shots = Shots()
        numbers = [
            shots.add(t, Picture(np.repeat(frame[..., None], 3, axis=2)))
            for t, frame in enumerate(frames)
        ]
        cuts = {int(cut) for cut in shots.cuts_s}
        wanted, found = wanted + 2, found + len(cuts & {n, 2 * n})
        false += len(cuts - {n, 2 * n})
        again += numbers[-1] == numbers[0]
        wrong += numbers[n] == numbers[0]
    return [wanted, number(found / wanted), false, 150, number(again / 150), wrong]


# Heads -------------------------------------------------------------------------------------


def _heads() -> str:
    table = []
    for fps in (15, 25, 60):
        for noise_deg in (0.3, 0.6, 1.0):
            drawn = right = claimed = hit = 0
            for seed in range(100, 120):
                tracks, truth = _drawn_head(np.random.default_rng(seed), fps, noise_deg)
                events = [e for e in head_events(tracks, SETTINGS.body) if e.code in NODS]
                meets = [[_meets(e, t) for t in truth] for e in events]
                drawn, claimed = drawn + len(truth), claimed + len(events)
                right += sum(any(row) for row in meets)
                hit += sum(any(row[k] for row in meets) for k in range(len(truth)))
            p, r = right / max(claimed, 1), hit / drawn
            table.append([fps, noise_deg, drawn, number(p), number(r), number(2 * p * r / (p + r))])
    head = ["frames/s", "noise (degrees)", "drawn", "precision", "recall", "F1"]
    return "\n".join([
        "### Nods and shakes\n\nTwenty minutes of drawn pose for each row: nods and shakes of 2 to "
        "5 times, 4 to 14 degrees, 1.3 to 3.5 a second, which weaken and tip the other angle by "
        "a fifth, among turns, looks down and up, tilts, looks about, and a head that drifts. "
        "Thresholds were chosen on other draws. Only once down and up counts as a look.",
        "", markdown(head, table),
    ])  # fmt: skip


NODS = {"AU84": "pose_yaw", "AU85": "pose_pitch"}


def _meets(event: object, truth: tuple[str, float, float]) -> bool:
    code, start_s, end_s = truth
    span = event.span  # type: ignore[attr-defined]
    same = event.code == code  # type: ignore[attr-defined]
    return bool(same and span.start_s < end_s and start_s < span.end_s)


def _drawn_head(
    rng: np.random.Generator, fps: int, noise_deg: float
) -> tuple[list[CueTrack], list[tuple[str, float, float]]]:
    t = np.arange(60 * fps) / fps
    angles = {name: np.zeros(len(t)) for name in ("pose_yaw", "pose_pitch", "pose_roll")}
    for angle in angles.values():
        for hertz in rng.uniform(0.05, 0.4, 3):
            angle += rng.uniform(0.3, 1.5) * np.sin(2 * np.pi * hertz * t + rng.uniform(0, 6))
    truth, at_s = [], 1.5
    while at_s < 55:
        kind = str(rng.choice(["AU85", "AU84", "turn", "down", "tilt", "about"]))
        if kind in NODS:
            hertz, size = rng.uniform(1.3, 3.5), rng.uniform(4, 14)
            lasts_s = int(rng.integers(2, 6)) / hertz
            inside = (t >= at_s) & (t < at_s + lasts_s)
            wave = 1 - np.cos(2 * np.pi * hertz * (t - at_s))
            weaker = 1 - 0.4 * (t - at_s) / lasts_s
            way = -size / 2 * wave * inside * weaker
            for name in ("pose_yaw", "pose_pitch"):
                angles[name] += way if name == NODS[kind] else 0.2 * way
            truth.append((kind, at_s, at_s + lasts_s))
            at_s += lasts_s
        else:
            name = {"down": "pose_pitch", "tilt": "pose_roll"}.get(kind, "pose_yaw")
            for _ in range(3 if kind == "about" else 1):
                move_s, hold_s = rng.uniform(0.2, 0.5), rng.uniform(0.35, 1.5)
                to = rng.choice([-1, 1]) * rng.uniform(6, 28)
                angles[name] += to * (_ease((t - at_s) / move_s)
                                      - _ease((t - at_s - move_s - hold_s) / move_s))  # fmt: skip
                at_s += move_s + hold_s
            at_s += 0.5
        at_s += rng.uniform(0.6, 2)
    tracks = [
        CueTrack("p1", Channel.FACE, name, None, Unit.DEGREE, t,
                 (angle + rng.normal(0, noise_deg, len(t))).astype(np.float32), (), DRAWN)
        for name, angle in angles.items()
    ]  # fmt: skip
    return tracks, truth


def _ease(x: np.ndarray) -> np.ndarray:
    x = np.clip(x, 0, 1)
    return np.asarray(x * x * (3 - 2 * x))


# Who speaks --------------------------------------------------------------------------------


def _speakers() -> str:
    table = []
    for fps in (15, 25):
        seconds = np.zeros((3, 3))  # truth: p1, p2, nobody seen; found: likewise
        for seed in range(50, 54):
            seconds += _conversation(seed, fps)
        right = seconds[0, 0] + seconds[1, 1]
        p, r = right / seconds[:, :2].sum(), right / seconds[:2].sum()
        table.append([fps, number(p), number(r), number(2 * p * r / (p + r)),
                      f"{seconds[0, 1] + seconds[1, 0]:.1f} s",
                      f"{seconds[2, :2].sum():.1f} of {seconds[2].sum():.1f} s"])  # fmt: skip
    head = ["frames/s", "precision", "recall", "F1", "one taken for the other",
            "voices of nobody seen given to somebody"]  # fmt: skip
    return "\n".join([
        "### Who speaks\n\nFour drawn conversations of a minute each: two people and a voice of "
        "somebody who is not seen, spoken by espeak-ng and heard by our own voice detector; lips "
        "open with the loudness of their own lines (as in our rendered films, so lips and sound go "
        "together better than in life), everybody makes expressions with the mouth meanwhile, and "
        "the tracks tremble by .15. Seconds of speech are counted.",
        "", markdown(head, table),
    ])  # fmt: skip


def _conversation(seed: int, fps: int) -> np.ndarray:
    rng, lines, who, at_s = np.random.default_rng(seed), [], [], 1.0
    while at_s < 54:
        text, speaker = str(rng.choice(SENTENCES)), int(rng.choice([0, 0, 1, 1, 2]))
        lines.append(Line(text, at_s, (30, 70, 50)[speaker], int(rng.integers(140, 200))))
        who.append(speaker)
        at_s += len(text) / 14 + 0.4 + rng.uniform(0.15, 1.2)
    sound = speak(Script(60, fps, 480, seed, (), (), tuple(lines)))
    t = np.arange(60 * fps) / fps
    lips = {person: rng.normal(0, 0.15, len(t)) for person in ("p1", "p2")}
    for spoken, speaker in zip(sound.spoken, who, strict=True):
        if speaker < 2:
            lips[f"p{speaker + 1}"] += rng.uniform(0.7, 1.6) * spoken.loudness
    for opening in lips.values():
        for _ in range(6):
            x = (t - rng.uniform(0, 56)) / rng.uniform(0.6, 2.5)
            pulse = np.where((x > 0) & (x < 1), 0.5 - 0.5 * np.cos(2 * np.pi * x), 0)
            opening += rng.uniform(1, 3) * pulse
    analyser = VoiceAnalyser(SETTINGS.voice)
    analyser.add(resample_poly(sound.samples, 16000, SAMPLE_RATE_HZ).astype(np.float32))
    voice = analyser.finish()
    level = voice.track("equivalentSoundLevel_dBp")
    assert level is not None
    loudness = np.interp(t, level.times_s, np.nan_to_num(level.values, nan=-90.0))
    seconds = np.zeros((3, 3))
    for turn in turns(t, lips, voice.speech, SETTINGS.speakers, loudness):
        found = ("p1", "p2", None).index(turn.person)
        for spoken, speaker in zip(sound.spoken, who, strict=True):
            seconds[speaker, found] += turn.span.overlap_s(spoken.span)
    return seconds
