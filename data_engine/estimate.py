"""What a build would ask, read, write and cost, before anything is asked or measured."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from demeanor.data_engine.build import Engine
from demeanor.data_engine.perceive import measures
from demeanor.data_engine.sources import Sample
from demeanor.data_engine.teach import ChatReader, ChatTeacher
from demeanor.explain.errors import DemeanorError
from demeanor.explain.reasoning.chain import messages_of
from demeanor.explain.textualization.timeline import n_tokens

_LOOKED_AT = 50  # samples already measured whose prompts are counted
_TIMELINE_TOKENS = 450  # where nothing is measured yet: of a picture 250, of a short clip 700; ours
_TEXT_TOKENS = 450  # of the three parts, as the prototype and ExpLLM's teacher write them
_VERDICT_TOKENS = 60


@dataclass(frozen=True, slots=True)
class Estimate:
    """Low: every first text is taken. High: every sample takes all its attempts."""

    corpus: str
    teacher: str
    n_samples: int
    labels: dict[str, int]
    splits: dict[str, int]
    left_out: dict[str, int]
    n_measured: int  # in the cache already
    n_without_clip: int
    calls: tuple[int, int]
    tokens_read: tuple[int, int]
    tokens_written: tuple[int, int]
    usd: tuple[float, float]
    from_prompts: int  # how many real prompts the figure rests on; 0: on averages of ours

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def lines(self) -> Iterator[str]:
        yield f"{self.n_samples} samples of {self.corpus}, for {self.teacher}"
        yield "labels: " + ", ".join(f"{name} {n}" for name, n in self.labels.items())
        yield "splits: " + ", ".join(f"{name} {n}" for name, n in self.splits.items())
        for why, n in self.left_out.items():
            yield f"left out: {n} ({why})"
        yield f"{self.n_measured} are measured already; {self.n_without_clip} have no clip"
        yield f"calls: {self.calls[0]} to {self.calls[1]}"
        yield f"tokens read: {self.tokens_read[0]} to {self.tokens_read[1]}"
        yield f"tokens written: {self.tokens_written[0]} to {self.tokens_written[1]}"
        yield f"cost: ${self.usd[0]:.2f} to ${self.usd[1]:.2f}, at the prices of the config"
        basis = f"{self.from_prompts} prompts" if self.from_prompts else "averages of ours"
        yield f"estimated from {basis}; nothing was asked"


def estimate(engine: Engine) -> Estimate:
    samples = engine.source.samples
    cached = [s for s in samples if _has_clip(s) and engine.perceiver.is_cached(s)]
    prompts = list(_prompt_tokens(engine, cached[:_LOOKED_AT]))
    prompt = round(sum(prompts) / len(prompts)) if prompts else _TIMELINE_TOKENS + 900
    low = _asked(engine, prompt, 1)
    high = _asked(engine, prompt, engine.config.teacher.attempts)
    n = len(samples)
    totals = [tuple(k * n for k in case) for case in (low, high)]
    read, written = (totals[0][1], totals[1][1]), (totals[0][2], totals[1][2])
    prices = engine.config.budget
    cost = [
        (r * prices.usd_per_million_read + w * prices.usd_per_million_written) / 1e6
        for r, w in zip(read, written, strict=True)
    ]
    return Estimate(
        engine.source.corpus.name,
        engine.teacher.name,
        n,
        _counts(", ".join(s.labels) for s in samples),
        _counts(s.item.split or "none" for s in samples),
        dict(engine.source.left_out),
        len(cached),
        sum(not _has_clip(s) for s in samples),
        (totals[0][0], totals[1][0]),
        read,
        written,
        (cost[0], cost[1]),
        len(prompts),
    )


def _asked(engine: Engine, prompt: int, attempts: int) -> tuple[int, int, int]:
    """Calls, tokens read and written of one sample; rules read and write none."""
    calls = read = written = 0
    for attempt in range(attempts):
        if isinstance(engine.teacher, ChatTeacher):
            history = attempt * (_TEXT_TOKENS + _VERDICT_TOKENS)  # earlier texts are read again
            calls, read = calls + 1, read + prompt + history
            written += _TEXT_TOKENS
        if isinstance(engine.reader, ChatReader):
            calls, read = calls + 1, read + _TEXT_TOKENS
            written += _VERDICT_TOKENS
        if engine.judge is not None:
            calls, read = calls + 1, read + _TEXT_TOKENS + prompt // 2
            written += _VERDICT_TOKENS
    return calls, read, written


def _prompt_tokens(engine: Engine, samples: list[Sample]) -> Iterator[int]:
    for sample in samples:
        try:
            perceived = engine.perceiver.perceive(sample)
        except (DemeanorError, OSError):
            continue  # the build will say so
        request = perceived.request(engine.source.label_set, 0, 0)
        yield n_tokens("\n".join(m.content for m in messages_of(request)))


def _has_clip(sample: Sample) -> bool:
    return not measures(sample) or sample.item.media is not None


def _counts(names: Any) -> dict[str, int]:
    return dict(Counter(names).most_common())
