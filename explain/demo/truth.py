"""The truth of a synthetic clip as JSON, and what is said in it as subtitles."""

import json
import re
from dataclasses import asdict
from typing import Any

import numpy as np

from demeanor.explain.demo.script import HeadMove, Intent, Truth, TruthEvent
from demeanor.explain.errors import DemeanorError
from demeanor.explain.records import Span

SCHEMA = 1


def srt(known: Truth) -> str:
    """SubRip text of what is said."""
    blocks = [
        f"{i}\n{_srt_time(span.start_s)} --> {_srt_time(span.end_s)}\n{text}\n"
        for i, (span, text) in enumerate(known.utterances, start=1)
    ]
    return "\n".join(blocks)


def _srt_time(time_s: float) -> str:
    total_ms = round(time_s * 1000)
    minutes, ms = divmod(total_ms, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{ms // 1000:02},{ms % 1000:03}"


def truth_json(known: Truth) -> str:
    text = json.dumps(
        {
            "schema": SCHEMA,
            **known.facts,
            "events": [asdict(e) for e in known.events],
            "head_moves": [asdict(m) for m in known.head_moves],
            "utterances": [
                {"start_s": s.start_s, "end_s": s.end_s, "text": t} for s, t in known.utterances
            ],
            "frames": {
                "times_s": _rounded(known.times_s),
                "head_deg": [_rounded(row) for row in known.head_deg],
                "weights": {name: _rounded(v) for name, v in known.weights.items()},
            },
        },
        indent=1,
    )
    return re.sub(r"\[\n[-\d.,\s]+\]", lambda found: re.sub(r"\s+", "", found[0]), text) + "\n"


def _rounded(values: np.ndarray) -> list[float]:
    return [round(float(v), 4) for v in values]


def read_truth(text: str) -> Truth:
    """The inverse of truth_json. Raises DemeanorError for another layout."""
    try:
        data: dict[str, Any] = json.loads(text)
        if (found := data.pop("schema")) != SCHEMA:
            raise ValueError(f"schema {found}")
        frames = data.pop("frames")
        events = [{**e, "kind": Intent(e["kind"])} for e in data.pop("events")]
        return Truth(
            events=tuple(TruthEvent(**e) for e in events),
            times_s=np.array(frames["times_s"]),
            weights={name: np.array(v) for name, v in frames["weights"].items()},
            head_deg=np.array(frames["head_deg"]),
            utterances=tuple(
                (Span(u["start_s"], u["end_s"]), u["text"]) for u in data.pop("utterances")
            ),
            head_moves=tuple(HeadMove(**m) for m in data.pop("head_moves")),
            facts=data,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DemeanorError(
            f"wanted the truth of a synthetic clip (demo_truth.json), found {error!r}. "
            "Render the clip anew."
        ) from error
