"""`demeanor compare-facs`: which results, which codes, and the table that people read."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from demeanor.eval.compare_facs import Agreement, Comparison, Estimate, Options, compare
from demeanor.eval.facs_codes import read_codes
from demeanor.explain import store
from demeanor.explain.errors import DemeanorError
from demeanor.explain.records import Measurement

_EXACT = ("f1", "event_f1", "kappa", "icc", "pearson", "spearman", "mean_error")


@dataclass(frozen=True, slots=True)
class Compared:
    comparison: Comparison
    unreadable: tuple[str, ...]  # results that could not be read, and why

    @property
    def failed(self) -> bool:
        """Whether a clip was left out (no codes, no result, unreadable), or nothing compared."""
        c = self.comparison
        return bool(self.unreadable or c.without_codes or c.without_result or not c.units)

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self.comparison), "unreadable": list(self.unreadable)}


def compare_files(results: Path, codes: Path, options: Options) -> Compared:
    """Raises DemeanorError where there is nothing to compare."""
    measurements, unreadable = _measurements(results, options.fps)
    if not measurements:
        raise DemeanorError("\n".join(unreadable))
    return Compared(compare(measurements, read_codes(codes), options), tuple(unreadable))


def _measurements(path: Path, fps: float | None) -> tuple[list[Measurement], list[str]]:
    if path.suffix.lower() == ".csv":
        from demeanor.explain.perception.imported import read_measurements  # brings pandas

        return [read_measurements(path, fps)], []
    files = sorted(path.rglob("result.json")) if path.is_dir() else [path]
    if not files:
        raise DemeanorError(f"{path}: wanted a result.json, or a folder that holds some")
    found, unreadable = [], []
    for file in files:
        try:
            found.append(store.load_result(file).measurement)
        except DemeanorError as error:
            unreadable.append(str(error))
    return found, unreadable


def show(compared: Compared, console: Console) -> None:
    c = compared.comparison
    table = Table(title=f"{len(c.clips)} clips, present from {c.level} on")
    for name in ("AU", "moments", "coded", "ours", "F1", "events", "event F1", "kappa"):
        table.add_column(name, justify="left" if name == "AU" else "right")
    for name in ("ICC(3,1)", "r", "rho", "error"):
        table.add_column(name, justify="right")
    for unit in c.units:
        table.add_row(*_cells(unit))
    console.print(table)
    over = sorted({u.intervals_over for u in c.units if u.intervals_over})
    console.print(
        f"In brackets: 95% intervals over {' or '.join(over)}." if over else _NO_INTERVALS
    )
    console.print(_LEGEND)
    for unit in c.units:
        if unit.left_out:
            reasons = ", ".join(f"{n} {reason}" for reason, n in unit.left_out.items())
            console.print(f"{unit.unit}: moments left out: {reasons}", markup=False)
    for name, reason in c.not_measured.items():
        console.print(f"{name}: coded, and not compared: {reason}", markup=False)
    for line in _lines(compared):
        console.print(line, markup=False)


_NO_INTERVALS = "No intervals: fewer than five clips, and fewer than five blocks of 5 s."
_LEGEND = (
    "coded, ours: share of the moments in which it was present. error: ours less the coder's, in "
    "letters. –: nothing to compute it from. Our intensities are estimated, not coder-validated."
)


def _lines(compared: Compared) -> list[str]:
    c = compared.comparison
    return [
        *c.notes,
        *(f"no codes for {name}" for name in c.without_codes),
        *(f"no result for the codes {name}" for name in c.without_result),
        *compared.unreadable,
    ]


def _cells(unit: Agreement) -> Sequence[str]:
    figures = {name: _figure(getattr(unit, name)) for name in _EXACT}
    return (
        unit.unit,
        str(unit.n_frames),
        _share(unit.base_rate),
        _share(unit.our_rate),
        figures["f1"],
        str(unit.n_events),
        *(figures[name] for name in _EXACT[1:]),
    )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def _figure(estimate: Estimate) -> str:
    if estimate.value is None:
        return "–"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.2f}"
    return f"{estimate.value:.2f} [{estimate.low:.2f} {estimate.high:.2f}]".replace("[", "\\[")
