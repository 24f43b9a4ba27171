"""The same face as another program might have measured it.

Programs differ in which units they tell, whether left and right are two values, from what level on
a unit is told at all, and how high their levels run. What a face shows is the same, and so is what
is taught of it. Shares and sizes are ours, after a look at the form of FEAFA's values (corpora/
feafa.py) and at none of their distributions.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from demeanor.explain.records import Channel, NotMeasured, Observation, Side, Unit
from demeanor.explain.vocabulary import ACTION_UNITS, MOVEMENTS, Region

_UNITS = tuple(
    code
    for code, unit in ACTION_UNITS.items()
    if unit.region not in (Region.HEAD, Region.GAZE) and code != "AU45"
)
_TWO_SIDES = frozenset(_UNITS) - {"AU16", "AU17", "AU18", "AU22", "AU25", "AU26", "AU27", "AU28"}
_APART = 0.6  # of programs that tell the sides apart
_LEAST = (0.5, 0.5, 1.0, 1.5)  # levels from which a unit is told
_MOST_WEAK, _WEAK = 8, 1.6  # units that are told over next to nothing; up to this level
_SCALE, _SHIFT, _ASIDE = (0.8, 1.15), 0.3, 0.35
_GAPS = 0.7  # of the units that are not told, at most, it says that they are not measured
_SURE = (0.5, 0.95)  # reliability that is taken for the whole program
_TOP = 5.0
_PLACES = {code: place for place, code in enumerate(MOVEMENTS)}


def elsewhere(
    observations: Sequence[Observation], gaps: Iterable[NotMeasured], draw: random.Random
) -> tuple[tuple[Observation, ...], tuple[NotMeasured, ...]]:
    """What is told of a picture's face, and what is not measured. The rest stays as it was."""
    least, scale = draw.choice(_LEAST), draw.uniform(*_SCALE)
    shift, apart = draw.gauss(0.0, _SHIFT), draw.random() < _APART
    sure = draw.uniform(*_SURE)
    face = [o for o in observations if o.channel is Channel.FACE]
    others = [o for o in observations if o.channel is not Channel.FACE]
    graded = [o for o in face if o.unit is Unit.FACS_INTENSITY and o.peak is not None]
    told = [o for one in graded for o in _sides(_moved(one, scale, shift), apart, draw)]
    if graded:
        known = {o.code for o in face}
        absent = [code for code in _UNITS if code not in known]
        for code in draw.sample(absent, draw.randint(0, _MOST_WEAK)):
            weak = replace(graded[0], code=code, side=None, peak=draw.uniform(least, _WEAK))
            told += _sides(weak, apart, draw)
    kept = [replace(o, reliability=sure) for o in told if (o.peak or 0.0) >= least]
    kept += [o for o in face if o not in graded]
    shown, share = {o.code for o in kept}, draw.uniform(0.0, _GAPS)
    missing = [c for c in _UNITS if c not in shown and draw.random() < share]
    whole = [g for g in gaps if "AU" not in g.what]
    told_gaps = (*whole, *(NotMeasured(code, "") for code in missing))
    return (*_numbered(kept), *others), told_gaps


def _moved(o: Observation, scale: float, shift: float) -> Observation:
    return replace(o, peak=scale * (o.peak or 0.0) + shift)


def _sides(o: Observation, apart: bool, draw: random.Random) -> Iterator[Observation]:
    if not apart or o.side is not None or o.code not in _TWO_SIDES:
        yield _levelled(o, 0.0)
        return
    for side in Side:
        yield _levelled(replace(o, side=side), draw.gauss(0.0, _ASIDE))


def _levelled(o: Observation, by: float) -> Observation:
    peak = round(min(_TOP, max(0.0, (o.peak or 0.0) + by)), 2)
    return replace(o, peak=peak, change_from_population=peak)


def _numbered(observations: Iterable[Observation]) -> Iterator[Observation]:
    ordered = sorted(observations, key=lambda o: (_PLACES[o.code], o.side or ""))
    for n, o in enumerate(ordered, start=1):
        yield replace(o, obs_id=f"f{n}")
