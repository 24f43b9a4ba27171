"""What `explain` and `measure` return."""

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

from demeanor.explain.records import (
    Channel,
    Evidence,
    Explanation,
    Measurement,
    Observation,
    Timeline,
)
from demeanor.explain.vocabulary import NOT_VALIDATED

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """One clip: what was measured, what was made of it, and what was concluded."""

    measurement: Measurement
    observations: tuple[Observation, ...]
    timelines: tuple[Timeline, ...]  # one per explained person
    explanations: tuple[Explanation, ...]  # none in cue-only mode

    @property
    def cue_only(self) -> bool:
        return not self.explanations

    def observation(self, obs_id: str) -> Observation | None:
        return next((o for o in self.observations if o.obs_id == obs_id), None)

    def to_frame(self) -> "pd.DataFrame":
        """Tracks as a table: a row per moment and person, a column per cue; NaN: not measured.

        Voice cues belong to nobody in particular: their rows have person None.
        """
        import pandas as pd

        parts = []
        people: list[str | None] = [p.person for p in self.measurement.people]
        for person in [*people, None]:
            tracks = [t for t in self.measurement.tracks if t.person == person]
            if tracks:
                columns = {t.name: pd.Series(t.values, t.times_s) for t in tracks}
                part = pd.DataFrame(columns).rename_axis("time_s").reset_index()
                part.insert(0, "person", person)
                parts.append(part)
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()

    def _repr_html_(self) -> str:
        """For notebooks: the conclusion, and each claim with what it rests on."""
        name = html.escape(self.measurement.clip.path.name)
        if self.cue_only:
            n_face = sum(o.channel is Channel.FACE for o in self.observations)
            return (
                f"<p><b>{name}</b>: {len(self.observations)} observations, {n_face} of the face; "
                f"no emotion was inferred. Intensities are {NOT_VALIDATED}.</p>"
            )
        return "".join(_person_html(name, e) for e in self.explanations)


def _person_html(name: str, explanation: Explanation) -> str:
    labels = ", ".join(explanation.labels) or "no label (abstained)"
    confidence = (
        "" if explanation.confidence is None else f", confidence {explanation.confidence:.2f}"
    )
    claims = "".join(f"<li>{_claim_html(e)}</li>" for e in explanation.evidence)
    return (
        f"<p><b>{name}</b>, {html.escape(explanation.person or 'nobody seen')}: appears to show "
        f"<b>{html.escape(labels)}</b>{confidence} "
        f"<small>({html.escape(explanation.provenance.model)})</small></p><ul>{claims}</ul>"
    )


def _claim_html(evidence: Evidence) -> str:
    mark = "" if evidence.grounding == "GROUNDED" else f" <b>{evidence.grounding}</b>"
    return html.escape(evidence.claim) + mark
