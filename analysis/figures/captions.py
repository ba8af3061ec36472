"""What the captions of several figures say alike, and the order of methods."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from analysis.figures import style

RULES = {
    "recommended": "the config that the method recommends",
    "best_at_target": "the lowest loss seen at the target fidelity",
    "best_seen": "the lowest loss seen at any fidelity",
}


def ordered(methods: Iterable[str]) -> list[str]:
    """Methods in the order of the style, those that it does not know last, by name."""
    known = {name: place for place, name in enumerate(style.METHODS)}

    def place(method: str) -> tuple[int, str]:
        name = method.partition(",")[0]
        return known.get(style.KIN.get(name, (name, ""))[0], len(known)), method

    return sorted(set(methods), key=place)


def extra_width(methods: Iterable[str], usual: int = 14) -> float:
    """Inches that names longer than usual need beyond a figure's own width."""
    return 0.085 * max(0, max((len(m) for m in methods), default=0) - usual)


def seeds_of(rows: pd.DataFrame) -> str:
    """How many seeds a method has on a task: ``10 seeds``, or ``3 to 10 seeds``."""
    counts = rows.groupby(["task", "method"]).seed.nunique()
    low, high = int(counts.min()), int(counts.max())
    return f"{low} to {high} seeds" if low < high else f"{low} seed{'s' * (low != 1)}"


def basis(rows: pd.DataFrame, clock: str, rule: str) -> str:
    """Seeds a method and task, clock and incumbent rule, as a sentence."""
    return (
        f"{seeds_of(rows).capitalize()} a method and task; clock: {clock}; "
        f"incumbent: {RULES[rule]} ({rule})."
    )


def ended_early(rows: pd.DataFrame, how: str) -> str:
    """Which methods' runs were stopped by trials, as a sentence with a space before; may be empty.

    Args:
        rows: of the tidy table.
        how: what this does to the figure, ``count as failures ...``.
    """
    stopped = ordered(rows[rows.stopped_by == "trials"].method)
    return f" Runs stopped by trials ({', '.join(stopped)}) {how}." if stopped else ""


def unlike_budgets(rows: pd.DataFrame) -> str:
    """On which tasks not all runs had the same budget, as a sentence; may be empty."""
    budgets = rows.groupby("task").budget
    unlike = budgets.max() > budgets.min() * (1 + 1e-9)
    names = list(unlike[unlike].index)
    return f" Budgets differ on {', '.join(names)}: shares are of the largest." if names else ""
