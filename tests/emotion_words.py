"""Words that name what somebody feels, and so must not occur in what was measured.

Every label of every shipped label set, the names they are mapped from, and forms people use for
them; "neutral" is left out, since faces at rest are compared with neutral ones.
"""

from demeanor.explain.corpora.labels import known_label_sets, label_set

_FORMS = """
    afraid amused amusement anger angry annoyed anxiety anxious ashamed awe awkward bored boredom
    calm cheerful confused confusion contempt contemptuous curious dejected delight
    delighted depressed desperate disappointed disappointment disgust disgusted distress
    distressed doubt embarrassed embarrassment enjoyment enthusiasm excited excitement fear
    fearful feel feeling feels felt frightened frown frustrated frustration furious gloomy grief
    grin guilt guilty happiness happy hate hopeful hostile irritated irritation jealous joy joyful
    laugh love melancholy mood nervous panic pleased pleasure pride proud puzzled rage relaxed
    relief relieved sad sadness sarcastic satisfied scared scowl shame shock shocked shy smile
    smiling sneer sorrow startled stern stressed surprise surprised suspicious tense tension
    terror thoughtful tired uneasy unhappy upset worried worry
""".split()
_NEUTRAL = {"neutral", "other", "others", "none", "positive", "negative", "or"}


def _labels() -> set[str]:
    return {
        word
        for name in known_label_sets()
        for label in label_set(name).labels
        for word in label.lower().replace("_", " ").replace("-", " ").split()
    }


EMOTION_WORDS = frozenset(_FORMS) | (_labels() - _NEUTRAL)
