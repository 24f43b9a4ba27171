"""demeanor-mini's own tokenizer: BPE on lessons, with numbers, ids and stock phrases kept whole.

`12.3` is two tokens and `AU12` one, so that values are copied and not spelled; a phrase that
every explanation uses ("lip corners pulled up and back") is one as well, which makes replies short.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from demeanor.data_engine.mini.lessons import known_sets
from demeanor.data_engine.simulate.tables import patterns
from demeanor.explain.reasoning.short_form import (
    ASK,
    BEST_FIT,
    CONFIDENCE,
    END,
    ID_TOKENS,
    PAD,
    SAID,
    SAY,
)
from demeanor.explain.vocabulary import MOVEMENTS, VOICE_WORDS

N_TOKENS = 8192
_SPLIT = r"\.\d| ?\d{1,2}| ?\p{L}+(?:['’]\p{L}+)?|\n+| ?[^\s\p{L}\d]+|\s+"
_BEHIND_ID = "– "  # the blank before it went with the id
_LEAST = 12  # times that a phrase must occur to be worth a token; ours
_TEMPLATES = (
    ("demeanor.data_engine", "grammar.yaml"),
    ("demeanor.data_engine", "queries.yaml"),
    ("demeanor.data_engine.simulate", "phrasings.yaml"),
)
_LINES = (
    "\n[", "no: ", "]: ",
    "Key observations:\n- [", "Key observations:\n- ", ".\n- [", ".\n- ", " s.\n- [",
    ".\nInterpretation:\n- ", ".\nInterpretation:\n- [", ".\nConclusion: [", ".\nConclusion: ",
    "\nInterpretation:\nConclusion:", ".\nLabels: ", "\nAlternatives: ",
    "\nValence: ", "\nArousal: ", "\nAbstained: no", "\nAbstained: yes\nReason: ", " s: ", " s at ",
    ", ", " and ", " and [", "; held all along, so it counts less",
    "; within talking, so it counts less", "; measured with little certainty",
    ": a blink, which says nothing by itself", " of the movements of a pattern listed for ",
    "explain: ", "label: ", "labels", "What is ", "What of ",
    " – ", " absent – ", " not measured – ",
    " (no transcript beside the clip, no subtitle stream, and no speech recogniser was chosen "
    "(--asr ...))", " (the clip has no picture)", " (the video has no sound)",
    " (the clip has no sound)", " (the picture has no sound)",
)  # fmt: skip


def made_tokenizer(texts: Sequence[str]) -> Any:
    """A fast tokenizer of transformers, trained on `texts`."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    phrases = _worth(texts)
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    raw.decoder = decoders.ByteLevel()
    ids, codes, closed = _names()
    trainer = trainers.BpeTrainer(
        vocab_size=N_TOKENS - len(phrases) - len(ids) - len(codes) - len(closed),
        special_tokens=[PAD, END, ASK, SAY],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    spaced = re.compile("|".join(map(re.escape, sorted(phrases, key=len, reverse=True))))
    raw.train_from_iterator((part for text in texts for part in spaced.split(text)), trainer)
    raw.add_tokens([AddedToken(n, single_word=True, normalized=False) for n in ids])
    raw.add_tokens([AddedToken(p, normalized=False) for p in (*codes, *phrases, *closed)])
    return PreTrainedTokenizerFast(
        tokenizer_object=raw, pad_token=PAD, eos_token=END, clean_up_tokenization_spaces=False
    )


def read_tokenizer(folder: Path) -> Any:
    """That of a model that was made before."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast.from_pretrained(folder, clean_up_tokenization_spaces=False)


def closed_ids(tokenizer: Any) -> list[int]:
    """Tokens of ids with what closes them."""
    return [n for text, n in tokenizer.get_vocab().items() if re.fullmatch(r"[fvs]\d+\] ", text)]


def _names() -> tuple[list[str], list[str], list[str]]:
    """Ids and codes: never cut. Ids as well with what closes them, so that what is copied after
    an id stands right behind it. A code is the same token wherever it stands: with the blank before
    it as a second one, a pattern's units were hardly found again in the lines, and with the side
    behind it as a third and a fourth one, hardly those of a program that tells sides apart."""
    ids = [f"{kind}{n}" for kind, most in ID_TOKENS.items() for n in range(1, most + 1)]
    codes = [code for code in MOVEMENTS if code.startswith("AU")]
    return ids, codes, [f"{i}] " for i in ids]


def _worth(texts: Sequence[str]) -> list[str]:
    """Phrases that really occur, the longer ones first."""
    known = sorted(dict.fromkeys(_phrases()), key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, known)))
    counts = Counter(found for text in texts for found in pattern.findall(text))
    return [BEST_FIT, CONFIDENCE, SAID, _BEHIND_ID, *(p for p in known if counts[p] >= _LEAST)]


def _phrases() -> Iterator[str]:
    yield from _LINES
    for unit in MOVEMENTS.values():
        for text in (unit.clause, unit.name):
            if " " in text:
                yield from _both(text)
    for pair in VOICE_WORDS.values():
        for text in pair:
            yield from _both(text)
    for source in {p.source for rows in patterns().values() for p in rows}:
        yield f" ({source})"
        yield f", {source})"
    for names in known_sets().values():
        yield from (name for name in names if " " in name)
    for package, name in _TEMPLATES:
        data = yaml.safe_load(files(package).joinpath(name).read_text("utf-8"))
        for kinds in data.values():
            for wordings in kinds.values():
                for template in wordings:
                    yield from _pieces(template)


def _pieces(template: str) -> Iterable[str]:
    for piece in re.split(r"\$\w+", template):
        if len(piece.split()) > 1:
            yield from _both(piece)


def _both(text: str) -> tuple[str, str]:
    return text, text[0].upper() + text[1:]
