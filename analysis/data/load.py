"""Load the runs of a study: every folder below it that holds a ``meta.json``."""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.core.records import RunMeta, TrialRow, decode

P = TypeVar("P")
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Run:
    """One run: the content of its ``meta.json`` and the rows of its trace."""

    folder: Path
    meta: RunMeta
    rows: Sequence[TrialRow]
    """one row per trial, in the order in which the trials ended"""

    @property
    def method(self) -> str:
        """Name of the method followed by its overridden options, as in the name of the folder."""
        return self.folder.parent.name

    @property
    def task(self) -> str:
        """Name of the task."""
        return str(self.meta["task"])

    @property
    def finished(self) -> bool:
        """True if the run spent its budget; False if it failed or was interrupted."""
        return self.meta.get("status") == "finished" and len(self.rows) > 0

    @property
    def workers(self) -> int:
        """Number of parallel workers, 1 or more."""
        return int(self.meta["settings"].get("workers", {}).get("n", 1))

    @cached_property
    def row_index(self) -> Mapping[int, int]:
        """Index in ``rows`` by trial number; the two differ if trials end out of order."""
        return {row["trial"]: index for index, row in enumerate(self.rows)}

    @property
    def cost(self) -> Array:
        """Cumulative evaluation cost after each trial in seconds, shape ``(trials,)``.

        It is summed up here, since a row of the trace may be lost or its costs edited: the sum in
        the file, ``cumulative_cost``, is not read.
        """
        return np.cumsum([row["cost"] for row in self.rows], dtype=float)

    @property
    def asked(self) -> Mapping[str, Any]:
        """The budget that was asked for last: ``trials``, ``cost`` and others, None for no limit.

        Empty if the run does not say it.
        """
        budgets = self.meta.get("budgets")
        return (budgets[-1] if budgets else self.meta["settings"].get("budget")) or {}

    @property
    def unit(self) -> float | None:
        """Cost of a full training in seconds that the budget is counted in; None if not known."""
        known = self.meta.get("unit"), self.asked.get("target_cost")
        return next(filter(None, known), self.meta["task_facts"]["target_cost"])

    @property
    def regret(self) -> Array:
        """True regret of the recommended config after each trial, shape ``(trials,)``.

        At least the task's ``loss_floor`` (half a validation example); infinite while nothing is
        recommended; NaN where the true loss, or the best loss of the task, is not known.
        """
        task_facts = self.meta["task_facts"]
        best, floor = task_facts["best_loss"], task_facts["loss_floor"]
        if best is None:
            return np.full(len(self.rows), np.nan)
        losses = [
            np.inf if row["recommended"] is None else row["recommended_loss"] for row in self.rows
        ]
        return np.array([np.nan if x is None else max(x - best, floor) for x in losses])

    @property
    def budget(self) -> float:
        """Cost limit of the run in seconds; its total cost if only the trials were limited."""
        asked, unit = self.asked, self.unit
        limits = [asked["cost"]] if asked.get("cost") else []
        if asked.get("target_evaluations") and unit:
            limits.append(asked["target_evaluations"] * unit)
        good = asked.get("target_cost") or self.meta["task_facts"].get("good_cost") or unit
        if asked.get("trainings") and good:
            limits.append(asked["trainings"] * good)
        return float(min(limits)) if limits else float(self.cost[-1])


def load_run(folder: Path) -> Run:
    """Load the run in a folder; an incomplete last line of its trace is ignored.

    Raises:
        ValueError: if ``meta.json`` or a row of ``trace.jsonl`` is not JSON, or does not have the
            fields and types that ``benchmarks.core.records`` defines.
    """
    meta, trace = folder / "meta.json", folder / "trace.jsonl"
    content = _parse(meta.read_bytes(), RunMeta, f"{meta} is not the metadata of a run")
    text = trace.read_bytes() if trace.exists() else b""
    # parsing all lines as one array takes half the time of one call per line
    lines = text[: text.rfind(b"\n") + 1].strip().replace(b"\n", b",")
    rows = _parse(b"[" + lines + b"]", list[TrialRow], f"{trace} is not a trace")
    return Run(folder, content, rows)


def _parse(text: bytes, schema: type[P], problem: str) -> P:
    try:
        return decode(text, schema)
    except ValueError as error:
        raise ValueError(f"{problem}: {error}") from error


def load_runs(study: Path, unreadable: list[str] | None = None) -> list[Run]:
    """Load all runs below a folder, in the order of their paths.

    Args:
        study: the folder.
        unreadable: a list to which one message is appended for each run that cannot be read; such
            runs are then skipped. If None, the first of them raises.

    Raises:
        ValueError: if no run can be read, or if one cannot be read and ``unreadable`` is None.
    """
    folders = [path.parent for path in sorted(study.rglob("meta.json"))]
    runs, damaged = [], []
    # garbage collection would double the time: loading creates millions of objects, no cycles
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        for folder in folders:
            try:
                runs.append(load_run(folder))
            except ValueError as error:
                damaged.append(error)
    finally:
        if was_enabled:
            gc.enable()
    if damaged and (unreadable is None or not runs):
        raise damaged[0]
    if not runs:
        raise ValueError(f"no runs below {study}")
    if unreadable is not None:
        unreadable += [str(error) for error in damaged]
    return runs


def value_at(cost: Array, values: Array, at: float) -> float:
    """Evaluate a step curve at a cost: the value after the last trial that ended by then.

    Infinite before the end of the first trial.

    Args:
        cost: cumulative cost after each trial in seconds, shape ``(trials,)``.
        values: value after each trial, shape ``(trials,)``.
        at: cost in seconds.
    """
    last = int(np.searchsorted(cost, at * (1 + 1e-12), side="right")) - 1
    return float(values[last]) if last >= 0 else float("inf")


def index_reached(values: Array, target: float) -> int | None:
    """Return the index from which all values are at or below ``target``.

    None if the last value is above it. ``analysis.statistics.regret_targets.reached`` explains why
    the first value at or below the target does not count.
    """
    above = np.flatnonzero(~(values <= target))
    index = int(above[-1]) + 1 if above.size else 0
    return index if index < len(values) else None


def cost_to_reach(cost: Array, values: Array, target: float) -> float:
    """Return the cost after which all values are at or below ``target``, in seconds.

    Infinite if the last value is above the target. ``cost`` and ``values`` are as in ``value_at``.
    """
    index = index_reached(values, target)
    return float("inf") if index is None else float(cost[index])
