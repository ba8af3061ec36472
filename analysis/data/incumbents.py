"""Losses, regrets and test errors of the incumbents of runs, also where true losses are not known.

Without true losses, the loss of an incumbent is one that the run has observed. Without a best known
loss of the task, the lowest one of the study is the zero of regret.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.data.load import Array, Run
from benchmarks.core.records import TrialRow

RULES = ("recommended", "best_at_target", "best_seen")
"""incumbent rules: the config that the method recommends, the one with the lowest loss observed at
the target fidelity, the one with the lowest loss observed at any fidelity"""
FINEST = 1e-3
"""lowest regret where the lowest loss of the study is its zero, as a share of the median regret of
the first incumbents: the best run would have a regret of 0, which no logarithmic axis shows"""
FULL = 1 - 1e-9
"""lowest fidelity that counts as the target"""


class Basis(NamedTuple):
    """What losses, regrets and test errors on a task are measured by, for all its runs."""

    observed: bool
    """True if no true loss is known"""
    observed_test: bool
    """True if no true test loss is known, so that those of evaluations are used"""
    best: float
    """the zero of regret; NaN if there is no loss"""
    best_of_study: bool
    """True if the task does not state its best loss"""
    floor: float
    """lowest regret"""


OBSERVED = (
    "No true loss is known on {}: the loss of a config is the one seen at its highest fidelity or, "
    "for a recommended config that was never trained, the lowest one seen at the target."
)
OF_STUDY = (
    "Regret on {} is the difference from the lowest loss of the study (at the target), and at "
    "least a thousandth of the median regret of the first incumbents; targets are at least six "
    "times that."
)
OBSERVED_TEST = "Test errors on {} are those that evaluations returned."


class Incumbents(NamedTuple):
    """The incumbents of a run by one rule after each trial; every array of shape ``(trials,)``."""

    none: NDArray[np.bool_]
    """True while there is no incumbent"""
    loss: Array
    test: Array
    """NaN without an incumbent, and where the value is not known"""

    def regret(self, basis: Basis) -> Array:
        """Return the regret: at least ``floor``; infinite without an incumbent; NaN if unknown."""
        regret = np.maximum(self.loss - basis.best, basis.floor)
        return np.where(self.none, np.nan if np.isnan(basis.best) else np.inf, regret)


def notes(observed: Sequence[str], of_study: Sequence[str], tests: Sequence[str] = ()) -> list[str]:
    """Return the sentences that say how losses were measured; empty where they are true losses.

    Args:
        observed: tasks without true losses.
        of_study: tasks without a best loss of their own.
        tests: tasks whose test errors are those of evaluations.
    """
    pairs = ((OBSERVED, observed), (OF_STUDY, of_study), (OBSERVED_TEST, tests))
    return [text.format(", ".join(tasks)) for text, tasks in pairs if tasks]


def bases(runs: Iterable[Run]) -> dict[str, Basis]:
    """Return what regret is measured by, for each task.

    Args:
        runs: all runs that are compared.
    """
    by_task: dict[str, list[Run]] = {}
    for run in runs:
        if run.rows:
            by_task.setdefault(run.task, []).append(run)
    return {task: _basis(group) for task, group in by_task.items()}


def _basis(runs: Sequence[Run]) -> Basis:
    rows = [row for run in runs for row in run.rows]
    true = _values(rows, "true_loss", "recommended_loss")
    facts = runs[0].meta["task_facts"]
    best, floor = facts["best_loss"], facts["loss_floor"]
    basis = Basis(
        observed=not true,
        observed_test=not _values(rows, "true_test_loss", "recommended_test_loss"),
        best=np.nan if best is None else best,
        best_of_study=best is None,
        floor=floor,
    )
    if best is not None:
        return basis
    if not true:
        true = _values([row for row in rows if row["fidelity"] >= FULL], "loss")
    basis = basis._replace(best=min(true or _values(rows, "loss"), default=np.nan))
    first = [regret[np.isfinite(regret)][:1] for regret in (regret_of(run, basis) for run in runs)]
    firsts = np.concatenate(first) if first else np.empty(0)
    scale = float(np.median(firsts)) if firsts.size else 0.0
    return basis._replace(floor=max(floor, FINEST * scale))


def _values(rows: Iterable[TrialRow], *names: str) -> list[float]:
    values: Iterable[Mapping[str, object]] = rows  # columns are read by name
    found = (row.get(name) for row in values for name in names)
    return [float(value) for value in found if isinstance(value, int | float)]


def regret_of(run: Run, basis: Basis) -> Array:
    """Return the regret of the recommended config after each trial, see ``Incumbents.regret``."""
    return incumbents(run, "recommended", basis).regret(basis)


def incumbents(run: Run, rule: str, basis: Basis) -> Incumbents:
    """Return the incumbents of a run after each trial.

    Where true losses are not known, the loss of an incumbent is one that the run has observed: at
    its own trial or, for a recommended config, at its highest fidelity so far. If the recommended
    config has not been trained, it is the lowest loss seen at the target.

    Args:
        run: a run with trials.
        rule: one of ``RULES``.
        basis: what losses on the task are measured by.
    """
    rows = run.rows
    if rule == "recommended":
        needed = basis.observed or basis.observed_test
        trials = _recommended(rows) if needed else [None] * len(rows)
    else:
        trials = [run.row_index.get(n) for n in _numbers(rows, rule)]
    own = np.array([-1 if index is None else index for index in trials])
    columns: dict[str, Array] = {}
    for name, observed in (("loss", basis.observed), ("test_loss", basis.observed_test)):
        if observed or rule != "recommended":
            values = _column(rows, name if observed else f"true_{name}")
            columns[name] = np.where(own < 0, np.nan, values[own])
        else:
            columns[name] = _column(rows, f"recommended_{name}")
    none = own < 0
    if rule == "recommended" and not basis.observed:
        none = np.array([row["recommended"] is None for row in rows])
    loss, test = (np.where(none, np.nan, columns[name]) for name in ("loss", "test_loss"))
    return Incumbents(none, loss, test)


def _numbers(rows: Sequence[TrialRow], rule: str) -> list[int]:
    named: Iterable[Mapping[str, object]] = rows
    return [-1 if row[rule] is None else int(str(row[rule])) for row in named]


def _column(rows: Sequence[TrialRow], name: str) -> Array:
    named: Iterable[Mapping[str, object]] = rows
    return np.array([row[name] for row in named], dtype=float)  # None becomes NaN


def _recommended(rows: Sequence[TrialRow]) -> list[int | None]:
    """Return the index of the row that shows the recommended config after each row."""
    highest: dict[str, int] = {}
    index_of = {row["trial"]: index for index, row in enumerate(rows)}
    found: list[int | None] = []
    for index, row in enumerate(rows):
        name = json.dumps(row["config"], sort_keys=True)
        before = highest.get(name)
        if row["status"] == "ok" and (
            before is None or row["fidelity"] >= rows[before]["fidelity"]
        ):
            highest[name] = index
        at_target, config = row["best_at_target"], row["recommended"]
        if config is None:
            found.append(None)
            continue
        trial = highest.get(json.dumps(config, sort_keys=True))
        found.append(index_of.get(at_target) if trial is None and at_target is not None else trial)
    return found
