"""Names the field uses: action units, intensity letters, voice descriptors.

Action units: FACS 2002 (Ekman, Friesen & Hager), code list as in jmgirard/facs; the clauses are
our own words for the visible change. Nods (85) and shakes (84) are gross behaviours there; for
averted eyes and hands at the face FACS has no code, so those of `MOVEMENTS` are ours.

Voice descriptors: names of eGeMAPSv02 (Eyben et al. 2016) where the definition is the same; ours
are told apart by their source, since values of different extractors must not be mixed.
"""

import math
from dataclasses import dataclass
from enum import StrEnum


class Region(StrEnum):
    BROW = "brow"
    EYE = "eye"
    NOSE = "nose"
    MOUTH = "mouth"
    JAW = "jaw"
    HEAD = "head"
    GAZE = "gaze"
    HAND = "hand"


@dataclass(frozen=True, slots=True)
class ActionUnit:
    code: str
    name: str
    region: Region
    clause: str  # what is seen, without emotion words
    sided: bool = False  # measured left and right apart


_AUS = (
    ActionUnit("AU1", "inner brow raiser", Region.BROW, "inner ends of the brows raised"),
    ActionUnit("AU2", "outer brow raiser", Region.BROW, "outer ends of the brows raised"),
    ActionUnit("AU4", "brow lowerer", Region.BROW, "brows lowered or drawn together"),
    ActionUnit("AU5", "upper lid raiser", Region.EYE, "upper eyelids raised, eyes wide open"),
    ActionUnit("AU6", "cheek raiser", Region.EYE, "cheeks raised, eyes narrowed from below"),
    ActionUnit("AU7", "lid tightener", Region.EYE, "eyelids tightened"),
    ActionUnit("AU9", "nose wrinkler", Region.NOSE, "nose wrinkled"),
    ActionUnit("AU10", "upper lip raiser", Region.MOUTH, "upper lip raised"),
    ActionUnit("AU11", "nasolabial furrow deepener", Region.MOUTH, "fold beside the nose deepened"),
    ActionUnit("AU12", "lip corner puller", Region.MOUTH, "lip corners pulled up and back"),
    ActionUnit("AU14", "dimpler", Region.MOUTH, "lip corners tightened inwards"),
    ActionUnit("AU15", "lip corner depressor", Region.MOUTH, "lip corners pulled down"),
    ActionUnit("AU16", "lower lip depressor", Region.MOUTH, "lower lip pulled down"),
    ActionUnit("AU17", "chin raiser", Region.MOUTH, "chin pushed up"),
    ActionUnit("AU18", "lip pucker", Region.MOUTH, "lips puckered"),
    ActionUnit("AU20", "lip stretcher", Region.MOUTH, "mouth stretched sideways"),
    ActionUnit("AU22", "lip funneler", Region.MOUTH, "lips pushed forward and outward"),
    ActionUnit("AU23", "lip tightener", Region.MOUTH, "lips tightened"),
    ActionUnit("AU24", "lip presser", Region.MOUTH, "lips pressed together"),
    ActionUnit("AU25", "lips part", Region.MOUTH, "lips parted"),
    ActionUnit("AU26", "jaw drop", Region.JAW, "jaw dropped"),
    ActionUnit("AU27", "mouth stretch", Region.JAW, "mouth stretched wide open"),
    ActionUnit("AU28", "lips suck", Region.MOUTH, "lips rolled inward"),
    ActionUnit("AU43", "eyes closed", Region.EYE, "eyes closed"),
    ActionUnit("AU45", "blink", Region.EYE, "blink"),
    ActionUnit("AU51", "head turn left", Region.HEAD, "head turned to the person's left"),
    ActionUnit("AU52", "head turn right", Region.HEAD, "head turned to the person's right"),
    ActionUnit("AU53", "head up", Region.HEAD, "head tipped back"),
    ActionUnit("AU54", "head down", Region.HEAD, "head lowered"),
    ActionUnit("AU55", "head tilt left", Region.HEAD, "head tilted to the person's left"),
    ActionUnit("AU56", "head tilt right", Region.HEAD, "head tilted to the person's right"),
    ActionUnit("AU57", "head forward", Region.HEAD, "face nearer to the camera than usual"),
    ActionUnit("AU58", "head back", Region.HEAD, "face further from the camera than usual"),
    ActionUnit("AU61", "eyes turn left", Region.GAZE, "eyes turned to the person's left"),
    ActionUnit("AU62", "eyes turn right", Region.GAZE, "eyes turned to the person's right"),
    ActionUnit("AU63", "eyes up", Region.GAZE, "eyes turned up"),
    ActionUnit("AU64", "eyes down", Region.GAZE, "eyes turned down"),
    ActionUnit("AU84", "head shake", Region.HEAD, "head shaken from side to side"),
    ActionUnit("AU85", "head nod", Region.HEAD, "head nodded up and down"),
)
ACTION_UNITS: dict[str, ActionUnit] = {au.code: au for au in _AUS}
_GESTURES = (
    ActionUnit(
        "gaze_away", "gaze away", Region.GAZE, "eyes turned away from where they mostly are"
    ),
    ActionUnit("hand_brow", "hand at the brow", Region.HAND, "a hand at the brow or forehead"),
    ActionUnit("hand_eye", "hand at the eye", Region.HAND, "a hand at the eye"),
    ActionUnit("hand_nose", "hand at the nose", Region.HAND, "a hand at the nose"),
    ActionUnit("hand_cheek", "hand at the cheek", Region.HAND, "a hand at the cheek"),
    ActionUnit("hand_mouth", "hand at the mouth", Region.HAND, "a hand at the mouth"),
    ActionUnit("hand_chin", "hand at the chin", Region.HAND, "a hand at the chin or jaw"),
    ActionUnit("hand_near", "hand beside the face", Region.HAND, "a hand moves beside the face"),
)
MOVEMENTS: dict[str, ActionUnit] = {**ACTION_UNITS, **{g.code: g for g in _GESTURES}}

INTENSITY_LETTERS = "0ABCDE"  # FACS: 0 absent, A trace … E maximum
INTENSITY_WORDS = ("absent", "very slight", "slight", "clear", "strong", "very strong")
NOT_VALIDATED = "estimated, not coder-validated"  # shown wherever an intensity is shown


def intensity_letter(value: float) -> str:
    """FACS letter of an intensity on the 0-5 scale: half-way cuts, so 2.5 to 3.5 is C.

    The bands are ours (FACS defines A-E by words and their ranges are not of equal width).
    """
    if math.isnan(value):
        raise ValueError("an intensity that was not measured has no letter")
    return INTENSITY_LETTERS[min(5, max(0, math.floor(value + 0.5)))]


def intensity_word(value: float) -> str:
    return INTENSITY_WORDS[INTENSITY_LETTERS.index(intensity_letter(value))]


# eGeMAPS names in use: what a higher and a lower value sounds like, in plain words
# (knowledge: opensmile eGeMAPSv02 descriptors; sound only, no emotion words).
VOICE_WORDS: dict[str, tuple[str, str]] = {
    "F0semitoneFrom27.5Hz": ("pitch higher", "pitch lower"),
    "F0semitoneFrom27.5Hz_pctlrange0-2": ("pitch more varied", "pitch flatter"),
    "equivalentSoundLevel_dBp": ("voice louder", "voice quieter"),
    "loudnessPeaksPerSec": ("speech faster", "speech slower"),
    "jitterLocal": ("voice rougher", "voice steadier"),
    "shimmerLocaldB": ("voice rougher or breathier", "voice steadier"),
    "HNRdBACF": ("tone clearer", "tone breathier or hoarser"),
    "alphaRatioV": ("voice brighter, more effort", "voice darker, softer"),
    "MeanUnvoicedSegmentLength": ("pauses longer", "pauses shorter"),
    "F0semitoneFrom27.5Hz_meanRisingSlope": (
        "pitch rises at the end of the phrase",
        "pitch rises less at the end of the phrase",
    ),
    "F0semitoneFrom27.5Hz_meanFallingSlope": (
        "pitch falls at the end of the phrase",
        "pitch falls less at the end of the phrase",
    ),
    "speech_share": ("speaks for more of the time", "speaks for less of the time"),  # ours
}

# How the level of a voice cue is said where it holds for the whole clip and no change is known.
_VOICE_LEVELS: dict[str, str] = {
    "F0semitoneFrom27.5Hz": "median pitch {hz:.0f} Hz",
    "F0semitoneFrom27.5Hz_pctlrange0-2": "pitch moves within {value:.1f} semitones",
    "loudnessPeaksPerSec": "speech rate about {value:.1f} syllables per second",
    "MeanUnvoicedSegmentLength": "pauses of {value:.1f} s on average",
    "speech_share": "speech for {percent:.0f}% of the time",
    "music_share": "music or tones, while nobody speaks, for {percent:.0f}% of the time",  # ours
    "noise_share": "other sound, while nobody speaks, for {percent:.0f}% of the time",  # ours
    "signal_to_noise": "speech about {value:.0f} dB above the background",  # ours
    "laughter": "short even calls of the voice with breath between, {value:.1f} a second",  # ours
}
VOICE_SOUNDS = frozenset({"laughter"})  # events that are said by their level, not by a change


def voice_level(code: str, value: float) -> str | None:
    """A level of the voice in words, e.g. "median pitch 120 Hz"; None for other cues."""
    if code not in _VOICE_LEVELS:
        return None
    hz = 27.5 * 2 ** (min(value, 120.0) / 12)  # eGeMAPS counts semitones from 27.5 Hz
    return _VOICE_LEVELS[code].format(value=value, hz=hz, percent=100 * value)
