"""Action units coded frame by frame, from files as DISFA and BP4D hand them out."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from demeanor.eval.action_units import PRESENT_FROM
from demeanor.eval.facs_codes import Coding, Frames, read_codes
from demeanor.explain.corpora.items import CorpusError, Item

DISFA_UNITS = tuple(f"AU{n}" for n in (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26))
BP4D_UNITS = tuple(f"AU{n}" for n in (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24))


def read_intensities(units: Sequence[str], path: Path) -> Iterator[Item]:
    """A frame a sample, clip/frame; gold is an intensity for each unit, None where not coded.

    DISFA: a folder with SN001_au1.txt and on (1,0 a line: frame, intensity). BP4D: a CSV a clip
    with numbers of units for a heading. Raises CorpusError where a clip lacks a unit.
    """
    for coding in read_codes(path):
        tracks = [_track(path, coding, unit) for unit in units]
        moments = sorted({m for track in tracks for m in track.moments.tolist()})
        columns = [dict(zip(t.moments.tolist(), t.values.tolist(), strict=True)) for t in tracks]
        for moment in moments:
            values = [column.get(moment, float("nan")) for column in columns]
            gold = [None if np.isnan(value) else value for value in values]
            name = f"{coding.clip}/{moment:g}"
            yield Item(name, gold, subject=_subject(coding.clip), video=coding.clip)


def _track(path: Path, coding: Coding, unit: str) -> Frames:
    track = coding.units.get(unit)
    if not isinstance(track, Frames):
        found = ", ".join(sorted(coding.units)) or "none"
        raise CorpusError(f"{path}: {coding.clip}: wanted {unit} frame by frame, found {found}")
    return track


def _subject(clip: str) -> str:
    """F001_T1 is of F001; SN001 is of itself."""
    return clip.split("_")[0]


def read_presence(units: Sequence[str], path: Path) -> Iterator[Item]:
    """The units that are there in each frame: coded 1, or from 2 on in a clip that has intensities.

    A frame with any of the units not coded has no gold.
    """
    items = list(read_intensities(units, path))
    graded = {i.video for i in items if any(v is not None and v > 1 for v in i.gold)}
    for item in items:
        least = PRESENT_FROM if graded else 1.0
        there = [u for u, v in zip(units, item.gold, strict=True) if v is not None and v >= least]
        gold = None if any(v is None for v in item.gold) else there
        yield Item(item.item_id, gold, subject=item.subject, video=item.video)
