"""All that demeanor-mini is made of: lessons, tokenizer, training, and the folder that ships."""

import hashlib
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

import demeanor.explain
from demeanor.data_engine.config import PerceptionConfig, load_config
from demeanor.data_engine.mini import bag, pictures, start, writing
from demeanor.data_engine.mini import elsewhere as elsewhere_code
from demeanor.data_engine.mini import leanings as leaning
from demeanor.data_engine.mini import lessons as lessons_code
from demeanor.data_engine.mini.bag import Bags
from demeanor.data_engine.mini.batches import encoded
from demeanor.data_engine.mini.elsewhere import elsewhere
from demeanor.data_engine.mini.leanings import leanings
from demeanor.data_engine.mini.lessons import (
    Lesson,
    Say,
    drawn_lessons,
    known_sets,
    picture_lesson,
    read_lesson,
    with_shares,
    word_lesson,
)
from demeanor.data_engine.mini.pictures import CLASSES, Classes, Picture, varied
from demeanor.data_engine.mini.tokens import closed_ids, made_tokenizer, read_tokenizer
from demeanor.data_engine.mini.train import Shape, Steps, new_model, read_model, train
from demeanor.data_engine.mixture import own_code
from demeanor.data_engine.perceive import Perceiver
from demeanor.data_engine.simulate import words as sentences
from demeanor.data_engine.simulate.posterior import weigh
from demeanor.data_engine.sources import read_source
from demeanor.data_engine.split import TRAIN, Shares
from demeanor.data_engine.words import COARSE_OF, comments, spoken
from demeanor.explain.corpora.folds import HELD_OUT, fold_of
from demeanor.explain.corpora.items import Item
from demeanor.explain.errors import DemeanorError
from demeanor.explain.reasoning import short_form

MANIFEST, SETS = "demeanor.json", "label_sets.json"
N_CLIPS, N_PICTURES = 6_000, 12_000
BACKENDS = ("mesh", "landmarker")
VERSION = "1"  # of the model: a new one for every set of weights that ships
_CHUNK = 500  # clips that one process draws at a time
_REASONS = 0.4  # of pictures; the others are asked for labels alone
_ELSEWHERE = 1 / 3  # of pictures
_COMMON, _MOST_TURNS = 1_000, 4  # comments with rarer labels are read oftener, up to so often
_FINE = tuple(COARSE_OF)  # labels of comments
_COMMENTS = 0.5  # of what is said in drawn clips: people's own words where there are any


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a model is made of. Fewer clips and minutes make a model for tests."""

    goemotions: Path
    faces: Path | None  # None: drawn faces only
    clips: int = N_CLIPS
    pictures: int = N_PICTURES
    word_turns: float = 1.0  # times that every comment is read, those of rare labels oftener
    shape: Shape = field(default_factory=Shape)
    steps: Steps = field(default_factory=Steps)
    begin: Path | None = None  # a model made before, to go on with


def make(wanted: Wanted, folder: Path, tell: Callable[[str], None]) -> dict[str, Any]:
    """Writes the model into `folder`; lessons that an earlier run left there, of the same wish and
    the same code, are not drawn again."""
    folder.mkdir(parents=True, exist_ok=True)
    lessons, counts = _lessons(wanted, folder, tell)
    texts = [chain([x.shown], *x.asked) for x in lessons[:: max(1, len(lessons) // 20_000)]]
    begun = wanted.begin
    tokenizer = read_tokenizer(begun) if begun else made_tokenizer(["\n".join(t) for t in texts])
    rows = list(encoded(lessons, tokenizer))
    tell(f"{len(rows)} lessons, {sum(map(len, rows))} tokens")
    if begun:
        model = read_model(begun)
    else:
        ends = tokenizer.eos_token_id, tokenizer.pad_token_id
        model = new_model(wanted.shape, len(tokenizer), *ends, wanted.steps.seed)
        if start.fits(wanted.shape):
            start.put_in(model, closed_ids(tokenizer))
            start.put_in_words(model, *_words(wanted.goemotions, tokenizer))
    n_weights = sum(p.numel() for p in model.parameters())
    tell(f"{n_weights / 1e6:.1f} million weights")
    done = train(
        model, rows, wanted.steps, folder,
        lambda share, n, loss: tell(f"{100 * share:.0f}%  step {n}  loss {loss:.3f}"),
    )  # fmt: skip
    manifest = {
        "name": "demeanor-mini",
        "version": VERSION,
        "made_with": demeanor.explain.__version__,
        "weights": n_weights,
        "shape": asdict(wanted.shape),
        "lessons": counts,
        "lesson_tokens": sum(map(len, rows)),
        "training": done,
        "before": [json.loads((begun / MANIFEST).read_text("utf-8"))] if begun else [],
    }
    save(model, tokenizer, manifest, folder / "model")
    return manifest


def _words(goemotions: Path, tokenizer: Any) -> tuple[np.ndarray, list[int]]:
    """What each token leans to, of the comments that are learnt from, and the tokens of labels."""
    encode = tokenizer.backend_tokenizer.encode
    items = comments(goemotions, Shares())[TRAIN]
    texts = [encode(short_form.of_words(item.text or "")).ids for item in items]
    found = leanings(texts, _gold(items), len(tokenizer))
    return found, [encode(label).ids[0] for label in _FINE]


def _gold(items: Sequence[Item]) -> np.ndarray:
    """(comments, labels)"""
    return np.array([[label in item.gold for label in _FINE] for item in items], float)


def save(model: Any, tokenizer: Any, manifest: dict[str, Any], folder: Path) -> None:
    """The folder that transformers and `explain/reasoning/mini.py` load: bf16, safetensors."""
    import torch

    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    _write(folder / MANIFEST, manifest)
    _write(folder / SETS, {name: list(labels) for name, labels in sorted(known_sets().items())})


def _write(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


# Lessons --------------------------------------------------------------------------------------


def _lessons(
    wanted: Wanted, folder: Path, tell: Callable[[str], None]
) -> tuple[list[Lesson], dict[str, int]]:
    file = folder / f"lessons-{_key(wanted)}.jsonl"
    if not file.is_file():
        started = time.monotonic()
        part = file.with_suffix(".part")
        with part.open("w", encoding="utf-8") as out:
            for kind, lesson in _made(wanted, tell):
                out.write(json.dumps([kind, lesson.as_plain()], ensure_ascii=False) + "\n")
        part.replace(file)
        tell(f"lessons written in {time.monotonic() - started:.0f} s")
    lessons: list[Lesson] = []
    counts: dict[str, int] = {}
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            kind, plain = json.loads(line)
            lessons.append(read_lesson(plain))
            counts[kind] = counts.get(kind, 0) + 1
    return lessons, counts


def _key(wanted: Wanted) -> str:
    """Of all that lessons follow from."""
    folders = [str(wanted.goemotions), str(wanted.faces)]
    parts = [wanted.clips, wanted.pictures, wanted.word_turns, wanted.steps.seed, *folders]
    digest = hashlib.sha256(json.dumps([*parts, own_code()]).encode())
    for module in (lessons_code, pictures, elsewhere_code, writing, short_form, bag, leaning):
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()[:12]


def _made(wanted: Wanted, tell: Callable[[str], None]) -> Iterator[tuple[str, Lesson]]:
    seed = wanted.steps.seed
    starts = range(0, wanted.clips, _CHUNK)
    draw_chunk = partial(_chunk, seed, wanted.clips, wanted.goemotions)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for lessons in pool.map(draw_chunk, starts):
            yield from (("drawn clip", lesson) for lesson in lessons)
    draw = random.Random(f"{seed} mini others")  # noqa: S311 drawn with a seed
    if wanted.faces is not None:
        for backend in BACKENDS:
            pictures = read_pictures(wanted.faces, backend, held_out=False, tell=tell)
            n = wanted.pictures // len(BACKENDS)
            yield from (("picture", lesson) for lesson in _pictured(pictures, backend, n, draw))
    items = comments(wanted.goemotions, Shares())[TRAIN]
    bags = Bags([item.text or "" for item in items], _FINE, _gold(items))
    for n, (item, turns) in enumerate(zip(items, _turns(items), strict=True)):
        for _ in range(int(turns * wanted.word_turns + draw.random())):
            yield "comment", word_lesson(item, partial(bags.shares, n), draw)


def _turns(items: Sequence[Item]) -> list[int]:
    """How often each comment is read: oftener where the rarest of its labels is rare."""
    counts = Counter(label for item in items for label in item.gold)
    rarest = (min(counts[label] for label in item.gold) for item in items)
    return [min(_MOST_TURNS, 1 + round(_COMMON / n)) for n in rarest]


def _chunk(seed: int, n_clips: int, goemotions: Path, start: int) -> list[Lesson]:
    say = comments_or_ours(goemotions)
    numbers = range(start, min(start + _CHUNK, n_clips))
    return [lesson for n in numbers for lesson in drawn_lessons(seed, n, say)]


def comments_or_ours(goemotions: Path, split: str = TRAIN) -> Say:
    """What is said in a drawn clip: a comment that people wrote, or a sentence of ours."""
    written = spoken(goemotions, Shares(), split)

    def say(emotion: str, draw: random.Random) -> tuple[str, str] | None:
        if draw.random() < _COMMENTS and (found := written.say(emotion, draw)) is not None:
            return found
        return sentences.said(emotion, draw)

    return say


def _pictured(
    pictures: Sequence[Picture], backend: str, n: int, draw: random.Random
) -> Iterator[Lesson]:
    """Classes in equal shares; half of the pictures as they were, half varied; a third of both as
    another program has them, which changes nothing of what is taught."""
    classes = Classes(pictures)
    by_label = {c: [p for p in pictures if p.label == c] for c in CLASSES}
    for _ in range(n):
        picture = draw.choice(by_label[draw.choice(CLASSES)])
        as_it_was = draw.random() < 0.5
        seen = picture.observations if as_it_was else varied(picture, pictures, draw)
        shares, gaps = classes.shares(seen), picture.gaps
        if draw.random() < _ELSEWHERE:
            seen, gaps = elsewhere(seen, gaps, draw)
        taught = with_shares(weigh(seen, gaps, "p1", {}, backend), shares)
        yield picture_lesson(seen, gaps, taught, draw, draw.random() < _REASONS)


def read_pictures(
    faces: Path, backend: str, held_out: bool, tell: Callable[[str], None] = lambda line: None
) -> list[Picture]:
    """Labelled pictures as `backend` measures them: measured once, then read from the cache.

    A picture that cannot be measured is left out, and `tell` hears how many were and why.
    """
    config = load_config("press-faces", [f"source.path={faces}", f"perception.face={backend}"])
    perceiver = Perceiver(PerceptionConfig(**asdict(config.perception)))
    found, failed = [], []
    for sample in read_source(config.source).samples:
        identity, label = sample.item.subject or "", str(sample.item.gold)
        if (fold_of("faces", identity) == HELD_OUT) is not held_out or label not in CLASSES:
            continue
        try:
            seen = perceiver.perceive(sample)
        except DemeanorError as error:
            failed.append(f"{sample.path}: {error}")
            continue
        found.append(Picture(identity, label, seen.observations, seen.not_measured))
    folds = "held-out" if held_out else "training"
    tell(f"{len(found)} pictures of the {folds} folds as {backend} measures them")
    if failed:
        tell(f"{len(failed)} could not be measured, the first: {failed[0]}")
    return found
