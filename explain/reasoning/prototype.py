"""A transparent reasoner: published patterns, scored and written out. No model is loaded.

It answers in the form that language models are asked for, so that its reply is parsed and
grounded like theirs. Every number comes from a table row with a source or says that it is ours.
Neutral is a competitor, not a default: where nothing was measured it abstains.
"""

import json

from demeanor.explain.reasoning import prose
from demeanor.explain.reasoning.chat import Request
from demeanor.explain.reasoning.weigh import label_scores, open_labels, place, read_signs


class Prototype:
    """The reasoner behind `--chat prototype`. Deterministic."""

    name = "prototype"
    version = "1"
    adapter = None
    notes = (
        "rules from published tables; weights set by hand, not fitted and not validated",
        "reads English words only, from a small list of its own",
        "published movement patterns describe posed faces better than everyday ones",
    )
    languages = frozenset({"en"})
    structured = True
    reads_prompt = False

    def reply(self, request: Request) -> str:
        reading = read_signs(request)
        if reading.abstains:
            return json.dumps(prose.abstention(reading.unread, reading.gaps), ensure_ascii=False)
        scores = label_scores(reading, request.label_set)
        best_fit, *others = sorted(scores, key=lambda label: -scores[label])
        valence, arousal = place(reading)
        answer = {
            **prose.parts(reading, scores[best_fit], best_fit),
            "labels": list(open_labels(reading)),
            "best_fit": best_fit,
            "confidence": round(scores[best_fit], 2),
            "alternatives": [
                {"label": label, "confidence": round(scores[label], 2)} for label in others[:3]
            ],
            "valence": round(valence, 2),
            "arousal": round(arousal, 2),
            "abstained": False,
            "abstained_reason": None,
        }
        return json.dumps(answer, ensure_ascii=False)
