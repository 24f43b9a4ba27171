"""What one drawn person shows, by a name: inputs for everything that writes about it."""

from drawn_observations import au, blink, held, left, level, pitch, right, said, turn

from demeanor.explain.records import Unit

SHOWN_CASES = {
    "smile": (au("f1", 6, 3.1), au("f2", 12, 3.6)),
    "picture": (au("f1", 6, 3.1, (0.0, 0.0)), au("f2", 12, 3.6, (0.0, 0.0))),
    "smile and words": (
        au("f1", 6, 3.1),
        au("f2", 12, 3.6),
        au("f3", 25, 2.0),
        turn("f4", 54, 20.0),
        said("s1", 'I am so "happy" today, thank god'),
        pitch("v1", 3.0),
        level("v2", -4.0),
    ),
    "brows and jaw": (
        au("f1", 1, 3.4),
        au("f2", 2, 3.2),
        au("f3", 5, 3.1),
        au("f4", 26, 3.0),
        au("f5", 45, 4.0, unit=Unit.PER_MINUTE),
    ),
    "frown, one side, held": (
        au("f1", 4, 3.5, reliability=0.4),
        held("f2", 7, 3.2),
        left("f3", 14, 2.2),
        right("f4", 12, 1.6),
        au("f5", 24, 3.0, caveats=("the mouth moves with speech here",)),
        blink("f6", 1.0),
    ),
    "words against the face": (
        au("f1", 6, 3.1),
        au("f2", 12, 3.6),
        said("s1", "I am so sad and miserable, I cried"),
    ),
    "denied": (said("s1", "I am not happy at all"), au("f1", 15, 2.6)),
    "another language": (said("s1", "Heute ist das Wetter schlecht"), au("f1", 12, 3.0)),
    "present, no intensity": (
        au("f1", 12, 0.9, unit=Unit.PROBABILITY),
        au("f2", 6, 0.8, unit=Unit.PROBABILITY),
    ),
    "nothing": (),
}
