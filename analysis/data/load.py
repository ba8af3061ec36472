"""Reads the runs of a study: every folder below it that holds a ``meta.json``."""

from __future__ import annotations

import gc
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Run:
    """One run: what ``meta.json`` says, and the rows of its trace."""

    folder: Path
    meta: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]

    @property
    def method(self) -> str:
        """The method's name and, if overridden, its options: the folder's name."""
        return self.folder.parent.name

    @property
    def task(self) -> str:
        """The task's name."""
        return str(self.meta["task"])

    @property
    def finished(self) -> bool:
        """True if the budget was spent; False for failed and unfinished runs."""
        return self.meta.get("status") == "finished" and len(self.rows) > 0

    @property
    def workers(self) -> int:
        """How many trials ran at once."""
        return int(self.meta["settings"].get("workers", {}).get("n", 1))

    @cached_property
    def place(self) -> Mapping[int, int]:
        """Where in ``rows`` a trial of that number stands: they are in the order of their ends."""
        return {row["trial"]: place for place, row in enumerate(self.rows)}

    @property
    def cost(self) -> Array:
        """Cumulative evaluation cost after each trial, seconds, shape ``(trials,)``."""
        return np.array([row["cumulative_cost"] for row in self.rows])

    @property
    def regret(self) -> Array:
        """True regret of the recommended config after each trial, shape ``(trials,)``; infinite
        while there is none, floored at half a validation example; NaN where no truth is known.
        """
        facts = self.meta["task_facts"]
        best, floor = facts["best_loss"], facts["loss_floor"]
        if best is None:
            return np.full(len(self.rows), np.nan)
        losses = [
            np.inf if row["recommended"] is None else row["recommended_loss"] for row in self.rows
        ]
        return np.array([np.nan if x is None else max(x - best, floor) for x in losses])

    @property
    def budget(self) -> float:
        """Cost that the run was allowed, seconds; what it spent if only trials were limited."""
        budget = self.meta["settings"]["budget"]
        unit = budget["target_cost"] or self.meta["task_facts"]["target_cost"]
        limits = [budget["cost"]] if budget["cost"] else []
        if budget["target_evaluations"]:
            limits.append(budget["target_evaluations"] * unit)
        return float(min(limits)) if limits else float(self.rows[-1]["cumulative_cost"])


def load_run(folder: Path) -> Run:
    """Load the run in a folder; a torn last line of its trace is left out.

    Raises:
        ValueError: one of its files is not JSON.
    """
    meta, trace = folder / "meta.json", folder / "trace.jsonl"
    facts = _parse(meta.read_bytes(), meta)
    text = trace.read_bytes() if trace.exists() else b""
    # one array of all lines: half the time of a call a line
    lines = text[: text.rfind(b"\n") + 1].strip().replace(b"\n", b",")
    return Run(folder, facts, _parse(b"[" + lines + b"]", trace))


def _parse(text: bytes, path: Path) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:  # of JSON, or of UTF-8
        raise ValueError(f"{path} is not JSON: {error}") from error


def load_runs(study: Path, unreadable: list[str] | None = None) -> list[Run]:
    """Load all runs below a folder, in the order of their paths.

    Args:
        study: the folder.
        unreadable: gets what is wrong with every run that cannot be read and is left out; without
            it the first such run raises.

    Raises:
        ValueError: there are none that can be read, or something else is found in their place.
    """
    folders = [path.parent for path in sorted(study.rglob("meta.json"))]
    runs, damaged = [], []
    # millions of small objects, none of them garbage: looking for cycles doubles the time
    collecting = gc.isenabled()
    gc.disable()
    try:
        for folder in folders:
            try:
                runs.append(_checked(load_run(folder)))
            except ValueError as error:
                damaged.append(error)
    finally:
        if collecting:
            gc.enable()
    if damaged and (unreadable is None or not runs):
        raise damaged[0]
    if not runs:
        raise ValueError(f"no runs below {study}")
    if unreadable is not None:
        unreadable += [str(error) for error in damaged]
    return runs


def _checked(run: Run) -> Run:
    known = isinstance(run.meta, dict) and run.meta.keys()
    if not known or not known >= {"task", "task_facts", "settings"}:
        raise ValueError(f"{run.folder / 'meta.json'} is not that of a run")
    return run


def value_at(cost: Array, values: Array, at: float) -> float:
    """The value of a step curve at a cost: that of the last trial ended by then (infinite before
    the first).
    """
    last = int(np.searchsorted(cost, at * (1 + 1e-12), side="right")) - 1
    return float(values[last]) if last >= 0 else float("inf")


def place_reached(values: Array, target: float) -> int | None:
    """Place from which on values are at or below ``target`` to the end; None if the last one is
    not (why not the first touch: see ``analysis.statistics.regret_targets.reached``).
    """
    above = np.flatnonzero(~(values <= target))
    place = int(above[-1]) + 1 if above.size else 0
    return place if place < len(values) else None


def cost_to_reach(cost: Array, values: Array, target: float) -> float:
    """Cost of the trial from which on the value is at or below ``target`` to the end; infinite if
    the last one is not.
    """
    place = place_reached(values, target)
    return float("inf") if place is None else float(cost[place])
