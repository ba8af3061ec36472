"""Budgets of runs: the largest that all runs of a task had, and the trials within it.

The runs of a study may have been asked for different budgets, for example because some were raised,
and some may have been ended by a limit of trials before their cost reached the budget. They are
compared up to the budget, and the cost, that all of them reached.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.data.load import Array, Run
from benchmarks.core.records import RunMeta

INFINITE = float("inf")
SAME = ("trials", "cost", "trainings", "target_evaluations", "nominal", "target_cost")
"""parts of a budget; runs with the same ones had the same budget"""


class Limits(NamedTuple):
    """A budget; infinite where there is no limit."""

    trials: float = INFINITE
    cost: float = INFINITE
    """total evaluation cost, seconds"""
    nominal: float = INFINITE
    """total nominal cost, in full trainings"""


def smallest(
    asked: Iterable[Mapping[str, Any]], unit: float | None, good: float | None = None
) -> Limits | None:
    """Return the largest budget that all runs of a task had; None if all were asked for the same.

    Each limit is the lowest of the runs that have it. Limits of the cost and of target evaluations
    count as one, in seconds.

    Args:
        asked: the budgets that the runs were asked for, see ``analysis.data.load.Run.asked``.
        unit: cost of a full training in seconds, for budgets in target evaluations; None if not
            known.
        good: the same of a good config, for budgets in trainings; None counts them in ``unit``.
    """
    asked = list(asked)
    if len({tuple(budget.get(name) for name in SAME) for budget in asked}) < 2:
        return None
    limits = [_limits(budget, unit, good) for budget in asked]
    return Limits(*(min(values) for values in zip(*limits, strict=True)))


def _limits(budget: Mapping[str, Any], unit: float | None, good: float | None = None) -> Limits:
    seconds = [budget.get("cost") or INFINITE]
    stated = budget.get("target_cost")
    for amount, one in (("target_evaluations", unit), ("trainings", good or unit)):
        if budget.get(amount) and (stated or one):
            seconds.append(budget[amount] * (stated or one))
    return Limits(budget.get("trials") or INFINITE, min(seconds), budget.get("nominal") or INFINITE)


class Columns(NamedTuple):
    """What decides which trials of a run are within a budget; each of shape ``(trials,)``."""

    trial: Array
    cost: Array
    nominal: Array
    """0 where a trial has no nominal cost"""
    start: Array
    end: Array
    """seconds on the clock of the run; NaN for a run with one worker"""


def within(run: Columns, limits: Limits) -> tuple[NDArray[np.bool_], str | None]:
    """Return the trials that a run with this budget would have had, and the limit that ends it.

    As in a run, the trial that reaches a limit of the cost is kept, and so are those that had
    started before it ended.

    Args:
        run: the trials in the order in which they ended.
        limits: the budget.

    Returns:
        A mask of shape ``(trials,)``, and ``trials``, ``cost`` or ``nominal``; None if the run has
        no trial beyond the budget.
    """
    count = np.arange(1, len(run.trial) + 1)
    # tolerate rounding errors in sums of nominal costs such as 0.1 + 0.2
    spent = {
        "trials": count >= limits.trials,
        "nominal": np.cumsum(run.nominal) >= limits.nominal * (1 - 1e-9),
        "cost": np.cumsum(run.cost) >= limits.cost,
    }
    any_spent = np.logical_or.reduce(list(spent.values()))
    last = int(any_spent.argmax())
    if not any_spent.any():
        return np.ones(len(count), dtype=bool), None
    reason = next(name for name, over in spent.items() if over[last])
    if reason == "trials":
        kept = run.trial < limits.trials
    else:
        kept = (count <= last + 1) | (run.start < run.end[last])
    return kept, None if kept.all() else reason


class End(NamedTuple):
    """How a run ended."""

    cost: float
    """total evaluation cost, seconds"""
    by: str | None
    """the limit that ended it"""


class Cut(NamedTuple):
    """Where the runs of a task are cut."""

    limits: Limits
    unit: float | None
    """cost of a full training, seconds; None if not known"""
    shorter: int
    """number of runs that spent or were asked for less"""
    by_trials: bool = False
    """True if the cost is what all runs reached, because a limit of trials ended some of them"""

    @property
    def text(self) -> str:
        """The limits for people, such as ``20 trials or 4 target evaluations``."""
        trials, cost, nominal = self.limits
        parts = [f"{trials:g} trials"] * (trials < INFINITE)
        if cost < INFINITE:
            parts.append(
                f"{cost / self.unit:.4g} target evaluations" if self.unit else f"{cost:.4g} s"
            )
        parts += [f"a nominal cost of {nominal:g}"] * (nominal < INFINITE)
        return " or ".join(parts)


def cut_of(
    asked: Sequence[Mapping[str, Any]],
    ends: Sequence[End],
    unit: float | None,
    at: float | None = None,
    good: float | None = None,
) -> Cut | None:
    """Return where to cut the runs of a task; None if they are analysed whole.

    A run that a limit of trials ended is not compared with one that spent more: where budgets limit
    the cost, too, all runs are cut at the cost that all of them reached.

    Args:
        asked: the budgets that the runs were asked for.
        ends: how the same runs ended.
        unit: cost of a full training in seconds; None if not known.
        at: cost at which to cut, in target evaluations; None for the budget that all runs had.
        good: cost of a training of a good config in seconds; None if not known.
    """
    if at is not None:
        if not unit:
            return None
        limits, enough = Limits(cost=at * unit), at * unit * (1 - 1e-9)
        less = [
            min(_limits(budget, unit, good).cost, end.cost if end.by == "trials" else INFINITE)
            < enough
            for budget, end in zip(asked, ends, strict=True)
        ]
        return Cut(limits, unit, sum(less))
    each = [_limits(budget, unit, good) for budget in asked]
    common = Limits(*(min(values) for values in zip(*each, strict=True)))
    if max(limits.cost for limits in each) == INFINITE:
        differs = smallest(asked, unit, good) is not None
        return Cut(common, unit, 0) if differs else None
    # all budgets limit the cost: methods may have limits of trials of their own
    common = common._replace(trials=INFINITE)
    reached = min((end.cost for end in ends if end.by == "trials"), default=INFINITE)
    if reached < common.cost:
        return Cut(common._replace(cost=reached), unit, 0, by_trials=True)
    differs = len({limits._replace(trials=INFINITE) for limits in each}) > 1
    return Cut(common, unit, 0) if differs else None


def sentence(cuts: Mapping[str, Cut | None], at: float | None = None) -> str | None:
    """Return one line that says where the runs of each task are cut; None if none are.

    Args:
        cuts: by task, as returned by ``cut_of``.
        at: as in ``cut_of``.
    """
    made = {task: cut for task, cut in cuts.items() if cut is not None}
    if at is None:
        reasons = (
            (False, "Budgets differ, so runs are cut at the smallest one of their task"),
            (True, "A limit of trials ended some runs, so all are cut at the cost they reached"),
        )
        said = []
        for by_trials, reason in reasons:
            of = {task: cut for task, cut in made.items() if cut.by_trials == by_trials}
            where = "; ".join(f"{task} at {cut.text}" for task, cut in of.items())
            said += [f"{reason}: {where}."] * bool(of)
        return " ".join(said) or None
    parts = [f"Runs are cut at {at:g} target evaluations (budget={at:g})."]
    parts += [
        f"On {task}, {cut.shorter} run{'s'[: cut.shorter > 1]} ended before."
        for task, cut in made.items()
        if cut.shorter
    ]
    unknown = ", ".join(task for task, cut in cuts.items() if cut is None)
    parts += [f"Not cut, because the cost of a full training is not known: {unknown}."] * bool(
        unknown
    )
    return " ".join(parts)


def units(runs: Iterable[Run]) -> dict[str, float]:
    """Return the cost of a full training in seconds, for each task where it is known.

    It is the cost that the task states or, without one, the median of the units in which the
    budgets of its runs were counted (``unit`` in ``meta.json``).
    """
    found: dict[str, tuple[list[float], list[float]]] = {}
    for run in runs:
        stated, counted = found.setdefault(run.task, ([], []))
        if run.meta["task_facts"]["target_cost"]:
            stated.append(run.meta["task_facts"]["target_cost"])
        elif run.unit:
            counted.append(run.unit)
    return {
        task: stated[0] if stated else float(np.median(counted))
        for task, (stated, counted) in found.items()
        if stated or counted
    }


def cut_runs(runs: Sequence[Run], at: float | None = None) -> tuple[list[Run], str | None]:
    """Cut the finished runs of each task; others are returned as they are.

    Args:
        runs: runs of any tasks.
        at: as in ``cut_of``.

    Returns:
        The runs in the same order, and the line of ``sentence``.
    """
    done = [run for run in runs if run.finished]
    unit_of = units(done)
    cuts = {}
    for task in sorted({run.task for run in done}):
        own = [run for run in done if run.task == task]
        ends = [End(float(run.cost[-1]), run.meta.get("stopped_by")) for run in own]
        good = own[0].meta["task_facts"].get("good_cost")
        cuts[task] = cut_of([run.asked for run in own], ends, unit_of.get(task), at, good)
    made = []
    for run in runs:
        cut = cuts.get(run.task)
        made.append(_cut_run(run, cut) if run.finished and cut is not None else run)
    return made, sentence(cuts, at)


def _cut_run(run: Run, cut: Cut) -> Run:
    rows, parallel = run.rows, run.workers > 1
    columns = Columns(
        np.array([row["trial"] for row in rows], dtype=float),
        np.array([row["cost"] for row in rows]),
        np.array([row.get("nominal") or 0.0 for row in rows]),
        np.array([row.get("start", np.nan) if parallel else np.nan for row in rows]),
        np.array([row.get("end", np.nan) if parallel else np.nan for row in rows]),
    )
    kept, reason = within(columns, cut.limits)
    asked: dict[str, Any] = dict.fromkeys(SAME[:-1])
    asked |= {n: v for n, v in cut.limits._asdict().items() if v < INFINITE}
    meta: RunMeta = {**run.meta, "budgets": [asked]}
    if reason is not None:
        meta["stopped_by"] = reason
    return replace(run, meta=meta, rows=[row for row, keep in zip(rows, kept, strict=True) if keep])
