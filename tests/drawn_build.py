"""A finished build of a corpus of values (ExpLLM's form): nothing is decoded to make one."""

import json

from demeanor.explain.corpora.expllm import UNITS

SHOWN = {
    "surprise": dict.fromkeys(
        ("left_brow_raise", "right_brow_raise", "left_lid_raise", "right_lid_raise", "jaw_drop"),
        0.8,
    ),
    "neutral": {},
    "anger": {},  # a label that nothing supports: refused
}


def write_corpus(folder):
    """rows.jsonl of three pictures, by their values."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "id": f"test_{label}.jpg",
            "label": label,
            "au": {unit: shown.get(unit, 0.0) for unit in UNITS},
            "description": "**Conclusion:** none.",
        }
        for label, shown in SHOWN.items()
    ]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def build_drawn(tmp_path):
    """The folder of a build over that corpus."""
    from demeanor.data_engine.build import build, folder_of, load_engine
    from demeanor.data_engine.config import load_config
    from demeanor.data_engine.sources import read_source

    corpus = write_corpus(tmp_path / "corpus")
    config = load_config("expllm", [f"source.path={corpus}"])
    engine = load_engine(config, read_source(config.source), tmp_path)
    folder = folder_of(tmp_path / "builds", engine)
    build(engine, folder)
    return folder
