"""Run folders as `demeanor eval` writes them, by a scripted model: two that can be compared and one
that cannot. Ids, labels and replies try to be more than text."""

import json
from dataclasses import replace

from scripted_chat import ScriptedChat, good_reply

from demeanor.eval.answering import CLOSED, OPEN, System
from demeanor.eval.runs import Options, run
from demeanor.eval.tables import WordTable
from demeanor.eval.tasks import Setting
from demeanor.eval.tasks.asked import ASKED
from demeanor.explain.corpora.items import Item
from demeanor.explain.corpora.labels import label_set
from demeanor.explain.errors import ChatError

SCRIPT = "<script>alert(1)</script>"
PICTURE = "![x](http://nobody.invalid/x.png)"  # Markdown that would load something
#  id           gold                first says          second says
SAMPLES = (
    ("right", ["happy"], ["glad"], ["glad"]),
    ("partly", ["happy", "angry"], ["happy"], ["furious", "happy"]),
    ("wrong", ["happy"], [f"angry {PICTURE}", "angry"], ["happy"]),
    ("silent", ["happy"], None, ["happy"]),  # None: it abstains
    ("gone", ["happy"], ChatError(f"no answer {SCRIPT}"), ["happy"]),
    ("nowhere", ["serious"], ["happy"], ["happy"]),  # gold is in no wheel
    (SCRIPT, ["happy"], ["happy"], ["angry"]),
    *((f"plain {k}", ["angry"], ["angry"], ["happy"]) for k in range(5)),
)


def drawn_runs(root, table: WordTable):
    """Folders first, second (open labels, one signature) and closed (another)."""
    items = tuple(Item(name, gold, text="She smiles.") for name, gold, _, _ in SAMPLES)
    task = ASKED["emer"].task
    setting = Setting(table)
    for name, column in (("first", 2), ("second", 3)):
        replies = [_reply(row[column]) for row in SAMPLES]
        system = System(ScriptedChat(*replies), label_set("rafdb7"), OPEN)
        run(task, items, system, setting, root / name, Options(n_folds=100, notes=(PICTURE,)))
    closed = tuple(
        replace(item, gold=("anger", "happiness")[k % 2]) for k, item in enumerate(items)
    )
    chat = ScriptedChat(*[good_reply()] * len(items))
    system = System(chat, label_set("rafdb7"), CLOSED)
    scored = ASKED["faces"].scored_with(label_set("rafdb7"))
    run(scored, closed, system, Setting(), root / "closed", Options(n_folds=100))
    return root


def _reply(said):
    if isinstance(said, Exception):
        return said
    if said is None:
        reason = {"abstained": True, "abstained_reason": "too little", "labels": []}
        return good_reply(best_fit=None, confidence=None, **reason)
    cited = {"text": f"The lip corners are pulled up {SCRIPT}.", "cites": ["f1", "f9"]}
    return good_reply(labels=list(said), interpretation=[cited])


def broken_run(root):
    """A folder that says it is a run, and is not finished."""
    (root / "broken").mkdir(parents=True)
    (root / "broken" / "run.json").write_text(json.dumps({"schema": "demeanor-run-1"}))
    return root
