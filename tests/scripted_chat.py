"""A chat model for tests: answers from a list, and keeps what it was asked."""

import json


class ScriptedChat:
    """Gives `replies` in turn; `asked` holds the requests. An exception in the list is raised."""

    name = "scripted"
    version = "1"
    adapter = None
    notes = ("answers from a list",)
    languages = frozenset()

    def __init__(self, *replies, structured=True, reads_prompt=True):
        self.replies = list(replies)
        self.structured, self.reads_prompt = structured, reads_prompt
        self.asked = []

    def reply(self, request):
        self.asked.append(request)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply


def good_reply(**changes):
    """A readable reply about a smile, f1."""
    return json.dumps(
        {
            "observations": [{"text": "The lip corners are pulled up.", "cites": ["f1"]}],
            "interpretation": [{"text": "Nothing conflicts with it.", "cites": ["f1"]}],
            "conclusion": {"text": "The person appears happy.", "cites": ["f1"]},
            "labels": ["happiness"],
            "best_fit": "happiness",
            "confidence": 0.8,
            "alternatives": [{"label": "neutral", "confidence": 0.1}],
            "valence": 0.6,
            "arousal": 0.3,
            "abstained": False,
            "abstained_reason": None,
            **changes,
        }
    )
