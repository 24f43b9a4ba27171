"""FEAFA's 24 values as FACS action units, so that they can be reasoned from and checked against.

Names and sides are FEAFA's (Yan et al. 2019, "FEAFA: A Well-Annotated Dataset for Facial
Expression Analysis and 3D Facial Animation": 24 values from 0 to 1, most of them redefined FACS
units); which unit each name is was read from the FACS 2002 code list (jmgirard/facs). Where
FEAFA is coarser than FACS, that is said in the table. Values are taken to FACS' 0-5 by a factor
of five: ours, and only an order of strengths.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from demeanor.explain.records import (
    Channel,
    Clip,
    Event,
    Kind,
    Measurement,
    NotMeasured,
    Person,
    Side,
    Source,
    SourceKind,
    Span,
    Unit,
)
from demeanor.explain.vocabulary import ACTION_UNITS, Region

FULL = 5.0  # FACS intensity of a value of 1
PRESENT = 0.1  # half of an A: below it FACS' letter is 0
_RELIABILITY = 0.5  # of a model whose weights are not public
_SOURCE = Source(SourceKind.MACHINE, "Img2AU of ExpLLM, FEAFA's units", "1")
_WHOLE = Span(0.0, 0.0)
_PERSON = "p1"


@dataclass(frozen=True, slots=True)
class Mapped:
    codes: tuple[str, ...]  # each of them is observed; none: FACS has a descriptor, we no code
    side: Side | None
    note: str = ""


_LEFT, _RIGHT = Side.LEFT, Side.RIGHT
FACS: Mapping[str, Mapped] = {
    "left_eye_close": Mapped(("AU43",), _LEFT, "any closing; AU6 and AU7 are not told from it"),
    "right_eye_close": Mapped(("AU43",), _RIGHT, "any closing; AU6 and AU7 are not told from it"),
    "left_lid_raise": Mapped(("AU5",), _LEFT),
    "right_lid_raise": Mapped(("AU5",), _RIGHT),
    "left_brow_lower": Mapped(("AU4",), _LEFT),
    "right_brow_lower": Mapped(("AU4",), _RIGHT),
    "left_brow_raise": Mapped(("AU1", "AU2"), _LEFT, "inner and outer brow are one"),
    "right_brow_raise": Mapped(("AU1", "AU2"), _RIGHT, "inner and outer brow are one"),
    "jaw_drop": Mapped(("AU26",), None, "AU26 and AU27 are one"),
    "jaw_slide_left": Mapped((), _LEFT, "AD30"),
    "jaw_slide_right": Mapped((), _RIGHT, "AD30"),
    "left_lip_corner_pull": Mapped(("AU12",), _LEFT),
    "right_lip_corner_pull": Mapped(("AU12",), _RIGHT),
    "left_lip_corner_stretch": Mapped(("AU20",), _LEFT),
    "right_lip_corner_stretch": Mapped(("AU20",), _RIGHT),
    "upper_lip_suck": Mapped(("AU28",), None, "of the upper lip alone"),
    "lower_lip_suck": Mapped(("AU28",), None, "of the lower lip alone"),
    "jaw_thrust": Mapped((), None, "AD29"),
    "upper_lip_raise": Mapped(("AU10",), None),
    "lower_lip_depress": Mapped(("AU16",), None),
    "chin_raise": Mapped(("AU17",), None),
    "lip_pucker": Mapped(("AU18",), None),
    "cheeks_puff": Mapped((), None, "AD34"),
    "nose_wrinkle": Mapped(("AU9",), None),
}
MEASURED = frozenset(code for mapped in FACS.values() for code in mapped.codes)
NOT_AMONG = tuple(  # movements of the face that the 24 values say nothing of
    code
    for code, au in ACTION_UNITS.items()
    if code not in MEASURED and au.region not in (Region.HEAD, Region.GAZE) and code != "AU45"
)


def measurement(name: str, values: Mapping[str, float]) -> Measurement:
    """A picture of which these values are all that is known."""
    key = json.dumps([name, dict(sorted(values.items()))])
    media_id = hashlib.sha256(key.encode()).hexdigest()[:16]
    clip = Clip(media_id, media_id, _WHOLE, Path(name), 0.0, None, None)
    person = Person(_PERSON, (_WHOLE,), 1, float("nan"), (0.0, 0.0, 1.0, 1.0), 0.0)
    gaps = [NotMeasured(code, "it is not among FEAFA's 24 values") for code in NOT_AMONG]
    gaps += [NotMeasured(what, "only values of a face were given") for what in ("voice", "words")]
    return Measurement(clip, (person,), (), (), (), _events(values), tuple(gaps), {})


def _events(values: Mapping[str, float]) -> tuple[Event, ...]:
    found = [
        _event(code, mapped.side, value * FULL)
        for name, mapped in FACS.items()
        for code in mapped.codes
        if (value := values[name]) >= PRESENT
    ]
    return tuple(sorted(found, key=lambda e: (int(e.code.removeprefix("AU")), e.side or "")))


def _event(code: str, side: Side | None, peak: float) -> Event:
    return Event(
        person=_PERSON,
        channel=Channel.FACE,
        code=code,
        side=side,
        kind=Kind.EVENT,
        span=_WHOLE,
        apex_s=0.0,
        peak=peak,
        unit=Unit.FACS_INTENSITY,
        change_from_usual=None,
        change_from_population=peak,
        reliability=_RELIABILITY,
        caveats=(),
        source=_SOURCE,
    )
