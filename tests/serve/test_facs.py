"""`demeanor compare-facs`, through the command line."""

import json

import numpy as np
import pytest
from drawn_results import result
from typer.testing import CliRunner

from demeanor.explain import store
from demeanor.serve.cli import app


@pytest.fixture
def compared(tmp_path):
    """Writes a drawn result (AU12 at 3 between 1.5 and 2.4 s, 10 frames a second), runs the command
    beside codes; returns exit code and JSON."""
    store.save_result(result(), tmp_path / "results" / "one" / "result.json")

    def run(lines, *options, name="codes.csv", as_json=True):
        (tmp_path / name).write_text("\n".join(lines))
        args = ["compare-facs", tmp_path / "results", tmp_path / name, *options]
        done = CliRunner().invoke(app, [str(a) for a in [*args, *["--json"] * as_json]])
        return done.exit_code, json.loads(done.stdout) if as_json else done.output

    return run


def drawn_codes():
    track = result().measurement.track("p1", "AU12")
    return [
        "time_s,AU12,AU9",
        *(
            f"{t:.3f},{'' if np.isnan(v) else round(v)},0"
            for t, v in zip(track.times_s, track.values.astype(float), strict=True)
        ),
    ]


def test_json_holds_every_figure_and_null_where_there_is_none(compared):
    code, data = compared(drawn_codes())
    assert code == 0
    (unit,) = data["units"]
    assert unit["unit"] == "AU12"
    assert unit["f1"] == {"value": 1.0, "low": None, "high": None}
    assert unit["left_out"] == {"not coded": 5}
    assert data["not_measured"] == {"AU9": "not measured by this backend"}


def test_the_table_says_what_was_left_out_and_what_is_not_measured(compared):
    code, text = compared(drawn_codes(), "--level", "C", as_json=False)
    assert code == 0
    assert "present from C on" in text
    assert "AU12: moments left out: 5 not coded" in text
    assert "AU9: coded, and not compared" in text
    assert "not coder-validated" in text


def test_codes_that_cannot_be_read_end_the_command(compared):
    code, text = compared(["frame,AU12", "0,9e9"], as_json=False)
    assert code == 2
    assert "codes.csv: row 1" in text


def test_nothing_compared_is_a_failure(compared):
    code, data = compared(["time_s,AU9", "0.0,1"])
    assert code == 1
    assert data["units"] == []


def test_a_folder_without_results_ends_the_command(tmp_path):
    done = CliRunner().invoke(app, ["compare-facs", str(tmp_path), str(tmp_path)])
    assert done.exit_code == 2
    assert "wanted a result.json" in done.output
