"""What a finished command prints for a person."""

from rich.console import Console

from demeanor.explain.records import Explanation, Grounding
from demeanor.explain.vocabulary import NOT_VALIDATED
from demeanor.serve.batch import Batch, Done

_SHOWN_IN_FULL = 1  # clips; of several only a line each is printed


def batch(done: Batch, console: Console) -> None:
    full = len(done.done) <= _SHOWN_IN_FULL
    for one in done.done:
        (_clip if full else _line)(one, console)
    n_failed = sum(bool(d.error) for d in done.done)
    if not full:
        console.print(f"\n{len(done.done) - n_failed} done, {n_failed} failed")
    if done.index:
        console.print(f"Index: {done.index}", markup=False)


def _line(one: Done, console: Console) -> None:
    if one.error:
        text = f"failed: {one.error}"
    elif one.result is None or one.result.cue_only:
        text = f"{len(one.result.observations) if one.result else 0} observations"
    else:
        text = "; ".join(
            f"{e.person or 'nobody seen'}: {_answer(e)}" for e in one.result.explanations
        )
    console.print(f"{one.path.name}: {text}", markup=False)


def _clip(one: Done, console: Console) -> None:
    if one.error:
        console.print(f"Error: {one.error}", markup=False)
        return
    if one.result is not None and one.result.cue_only:
        n = len(one.result.observations)
        console.print(f"{one.path.name}: {n} observations; no emotion was inferred", markup=False)
    for explanation in one.result.explanations if one.result else ():
        _explanation(one.path.name, explanation, console)
    console.print("\nWritten:")
    for path in one.written:
        console.print(f"  {path}", markup=False)


def _explanation(name: str, explanation: Explanation, console: Console) -> None:
    who = explanation.person or "nobody seen"
    console.print(f"\n{name}, {who}: {_answer(explanation)}", style="bold", markup=False)
    console.print(f"Reasoned by {explanation.provenance.model}.", markup=False)
    for note in explanation.provenance.notes:
        console.print(f"  {note}", markup=False)
    for title, text in (
        ("Key observations", explanation.observations_part),
        ("Overall interpretation", explanation.interpretation),
        ("Conclusion", explanation.conclusion),
    ):
        console.print(f"\n{title}", style="bold")
        console.print(text or "(nothing)", markup=False)
    weak = [e for e in explanation.evidence if e.grounding is not Grounding.GROUNDED]
    n_all = len(explanation.evidence)
    console.print(f"\n{n_all - len(weak)} of {n_all} claims rest on what was observed.")
    for evidence in weak:
        console.print(f"  {evidence.grounding}: {evidence.claim} ({evidence.reason})", markup=False)
    console.print(
        f"This is what an observer might perceive, not what anybody feels. Intensities are "
        f"{NOT_VALIDATED}."
    )


def _answer(explanation: Explanation) -> str:
    if explanation.abstained:
        return f"no label: {explanation.abstained_reason}"
    confidence = (
        "" if explanation.confidence is None else f", confidence {explanation.confidence:.2f}"
    )
    return (
        f"appears to show {', '.join(explanation.labels)} (closest of {explanation.label_set}: "
        f"{explanation.best_fit}{confidence})"
    )
