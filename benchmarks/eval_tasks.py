"""The table of tasks in docs/evaluation.md, out of the registry: nothing is measured here."""

from benchmarks.perception.tables import markdown
from demeanor.eval.tasks import tasks


def section() -> str:
    rows = [
        (
            f"`{known.name}`{' *' if known.asking else ''}",
            known.title,
            f"`{known.metric}`",
            known.needs,
            known.note,
        )
        for known in tasks().values()
    ]
    return "\n\n".join(
        [
            "## Tasks",
            "`demeanor eval TASK --predictions FILE --gold CORPUS`: predictions are JSON lines, "
            "CSV or npz with `id` and `pred`; the corpus is the official file or folder that the "
            "table names, and its ids are those of that file. Files of our own form (`id`, `gt`) "
            "do as well. An answer is read as one label by its first label, in the form that the "
            "set has it (*happy* for *happiness*); a synonym is another word. Readers are in "
            "`explain/corpora`; what each makes of a file stands in its docstring. `demeanor eval "
            "unibench` makes of nine reports the mean of MER-UniBench. Tasks marked * can also be "
            "asked: `demeanor eval TASK --data CORPUS --media FOLDER --chat …`.",
            markdown(("task", "what is scored", "metric", "needs", "note"), rows),
        ]
    )
