"""Other people's face programs as backends: py-feat and LibreFace, for a second opinion.

Each looks at a clip and writes a table, which is read by the same code as the CSV files of these
programs (other_programs.py). There are no meshes, so nothing that we measure from points: action
units in the program's own unit, and head pose where its signs are known.

Neither comes with Demeanor, and neither was run with its weights here: the adapters were written
after the programs' own code (py-feat 2.1.5: feat/detector_v2.py; LibreFace 0.2.0: commandline.py,
__init__.py) and tested on recorded tables. The weights are for research and other non-commercial
use.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from platformdirs import user_cache_path

from demeanor.explain.errors import DemeanorError, MeasurementsError, MissingExtra, UnknownName
from demeanor.explain.perception.face_tracks import FaceMeasurement
from demeanor.explain.perception.neutral import NeutralWanted
from demeanor.explain.perception.picture import Picture
from demeanor.explain.perception.tracking import Seen
from demeanor.explain.records import Clip, NotMeasured, Source, SourceKind
from demeanor.explain.settings import Settings
from demeanor.explain.vocabulary import ACTION_UNITS, Region

if TYPE_CHECKING:
    import pandas as pd

    from demeanor.explain.perception.other_programs import Reading

SECOND_OPINIONS = ("libreface", "pyfeat")
LIBREFACE_COMMAND = "DEMEANOR_LIBREFACE"  # environment: LibreFace's command, where not on the path
_BATCH = 16  # frames at once: bounds the memory
_NOT_OF_THE_FACE = (Region.HEAD, Region.GAZE, Region.HAND)


class Session(Protocol):
    """One clip, seen by another program."""

    def add(self, picture: Picture) -> None:
        """The next frame."""

    def finish(self, frames_s: np.ndarray) -> "Reading":
        """What it wrote, on the times of the clip's frames."""


class Program(Protocol):
    """Another program, loaded once and used for many clips."""

    version: str
    licence: str

    def session(self, clip: Clip) -> Session: ...


@dataclass(frozen=True, slots=True)
class TableBackend:
    """A program that writes tables; stands where a FaceBackend stands in measure_clip."""

    name: str
    program: Program

    @property
    def version(self) -> str:
        return self.program.version

    @property
    def licence(self) -> str:
        return self.program.licence

    def not_measured(self, face: FaceMeasurement) -> dict[str, str]:
        """Action units of the face without a track, each with the reason."""
        said = {part for row in face.not_measured for part in row.what.split(", ")}
        there = said | {track.code for track in face.tracks}
        units = (au for au in ACTION_UNITS.values() if au.region not in _NOT_OF_THE_FACE)
        reason = "this program does not measure it"
        return {au.code: reason for au in units if au.code not in there and au.code != "AU45"}


def second_opinion(name: str) -> TableBackend:
    """`pyfeat` or `libreface`. Raises UnknownName, MissingExtra, DemeanorError."""
    if name not in SECOND_OPINIONS:
        raise UnknownName("second opinion", name, SECOND_OPINIONS)
    return TableBackend(name, PyFeat() if name == "pyfeat" else LibreFace())


def table_pass(backend: TableBackend, clip: Clip) -> "tuple[TableRecorder, TableWatcher]":
    """What stands for FaceRecorder and Tracker in one pass over a clip."""
    session = backend.program.session(clip)
    return TableRecorder(backend, clip, session), TableWatcher(session)


class TableWatcher:
    """Used like Tracker: hands each frame to the program, and sees nobody itself."""

    crowd = 0
    cuts_s: tuple[float, ...] = ()

    def __init__(self, session: Session) -> None:
        self._session = session

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def add(self, time_s: float, picture: Picture) -> Iterator[Seen]:
        self._session.add(picture)
        return iter(())

    def finish(self) -> Iterator[Seen]:
        return iter(())


class TableRecorder:
    """Used like FaceRecorder: keeps the times of the frames, and reads the table at the end."""

    def __init__(self, backend: TableBackend, clip: Clip, session: Session) -> None:
        self._backend, self._clip, self._session = backend, clip, session
        self._frames_s: list[float] = []

    def frame(self, time_s: float) -> None:
        self._frames_s.append(time_s)

    def add(self, seen: Seen) -> None:
        raise AssertionError("a table backend sees nobody frame by frame")

    def finish(
        self, settings: Settings, crowd: int = 0, wanted: NeutralWanted | None = None
    ) -> FaceMeasurement:
        """`wanted` is always None here: rest that is shown needs our own measures."""
        from demeanor.explain.perception.imported import face_measurement, without_meshes

        frames_s = np.array(self._frames_s)
        if len(frames_s) == 0:
            return without_meshes((), (), [NotMeasured("face", "the clip has no picture")], {})
        reading = self._session.finish(frames_s)
        if not reading.faces:
            nobody = NotMeasured("face", f"{self._backend.name} saw no face")
            return without_meshes((), (), [nobody], {})
        source = Source(SourceKind.MACHINE, self._backend.name, self._backend.version)
        width_px, height_px = self._clip.width_px, self._clip.height_px
        size_px = (width_px, height_px) if width_px and height_px else None
        return face_measurement(replace(reading, source=source), frames_s, settings, size_px)


def on_frames(reading: "Reading", clock: np.ndarray, frames_s: np.ndarray) -> "Reading":
    """The reading on the times of our frames. clock (n,): when each frame is, as the program
    counts; a row belongs to the frame nearest to it."""
    from demeanor.explain.perception.other_programs import TIME

    middles = (clock[1:] + clock[:-1]) / 2

    def moved(face: "pd.DataFrame") -> "pd.DataFrame":
        at = np.searchsorted(middles, face[TIME].to_numpy(dtype=float))
        return face.assign(**{TIME: frames_s[at]}).drop_duplicates(TIME)

    return replace(reading, faces=tuple(moved(f) for f in reading.faces), times_s=frames_s)


# py-feat ------------------------------------------------------------------------------------


class PyFeat:
    """Detectorv2, without its model of identities: who somebody is is never computed."""

    licence = "code MIT; weights for non-commercial research (py-feat LICENSES/PYFEAT-V2.md)"

    def __init__(self) -> None:
        try:
            import feat
        except ImportError as error:
            raise MissingExtra("--face-backend pyfeat", "py-feat", "pyfeat") from error
        self.version = str(feat.__version__)
        self.detector: Any = feat.Detectorv2(device="auto", identity_model=None)

    def session(self, clip: Clip) -> "PyFeatSession":
        return PyFeatSession(self.detector, clip)


class PyFeatSession:
    """Frames go to the detector in batches, as tensors: its own decoder is not used, so that its
    rows belong to our frames and a phone's video stands upright."""

    def __init__(self, detector: Any, clip: Clip) -> None:
        self._detector, self._clip = detector, clip
        self._waiting: list[np.ndarray] = []
        self._tables: list[pd.DataFrame] = []
        self._n_done = 0

    def add(self, picture: Picture) -> None:
        self._waiting.append(picture.rgb)
        if len(self._waiting) == _BATCH:
            self._detect()

    def finish(self, frames_s: np.ndarray) -> "Reading":
        import pandas as pd

        from demeanor.explain.perception.other_programs import recognised

        if self._waiting:
            self._detect()
        table = pd.concat(self._tables, ignore_index=True)
        reading = recognised(table, str(self._clip.path), fps=1.0)  # so its times count frames
        return on_frames(reading, np.arange(len(frames_s)), frames_s)

    def _detect(self) -> None:
        import pandas as pd
        import torch

        batch = torch.from_numpy(np.stack(self._waiting).transpose(0, 3, 1, 2).copy())
        try:
            found = self._detector.detect(
                batch, data_type="tensor", batch_size=len(batch), progress_bar=False
            )
        except Exception as error:  # whatever it is, it is not ours, and the batch goes on
            raise MeasurementsError(f"{self._clip.path}: py-feat failed: {error}") from error
        kept = [c for c in found.columns if not str(c).startswith("Identity_")]
        table = pd.DataFrame(found[kept])
        self._tables.append(table.assign(frame=table["frame"].astype(int) + self._n_done))
        self._n_done += len(self._waiting)
        self._waiting.clear()


# LibreFace ----------------------------------------------------------------------------------


class LibreFace:
    """Its command, in an environment of its own: it pins torch 2.0.0 and pandas 2.0.3, which
    nothing else here could live with. It decodes the file itself, with ffmpeg."""

    licence = "USC Research Licence: research and non-profit use (code and weights)"
    version = "by its command"

    def __init__(self) -> None:
        name = os.environ.get(LIBREFACE_COMMAND, "libreface")
        found = shutil.which(name)
        if found is None:
            raise DemeanorError(
                f"--face-backend libreface needs LibreFace's command, and there is no {name!r}. "
                "Install it in an environment of its own (python -m venv lf && lf/bin/pip install "
                f"libreface), since it pins torch 2.0.0, and set {LIBREFACE_COMMAND}=lf/bin/"
                "libreface; or run it yourself and give its table:  --measurements results.csv"
            )
        self.command = str(Path(found).absolute())

    def session(self, clip: Clip) -> "LibreFaceSession":
        return LibreFaceSession(self.command, clip)


class LibreFaceSession:
    def __init__(self, command: str, clip: Clip) -> None:
        self._command, self._clip = command, clip

    def add(self, picture: Picture) -> None:
        """It reads the file itself, at the end."""

    def finish(self, frames_s: np.ndarray) -> "Reading":
        from demeanor.explain.perception.other_programs import Reading, recognised

        table = self._run()
        if table is None:
            nobody = Source(SourceKind.MACHINE, "libreface", "")
            return Reading(nobody, frames_s, (), {}, ())
        return on_frames(recognised(table, str(self._clip.path)), frames_s, frames_s)

    def _run(self) -> "pd.DataFrame | None":
        """Its table; None where it found no face, for which it writes none."""
        import pandas as pd

        weights = user_cache_path("demeanor") / "libreface"  # it puts them where it is run
        weights.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "faces.csv"
            command = [self._command, f"--input_path={self._clip.path.absolute()}"]
            command += [f"--output_path={out}", f"--temp={folder}/frames"]
            done = subprocess.run(  # noqa: S603
                command, cwd=weights, capture_output=True, text=True, check=False
            )
            if out.is_file():
                return pd.read_csv(out)
        said = (done.stdout + done.stderr).strip()
        if done.returncode == 0 and "no face" in said.lower():
            return None
        last = (said.splitlines() or ["no message"])[-1]
        raise MeasurementsError(f"{self._clip.path}: LibreFace wrote no table: {last}")
