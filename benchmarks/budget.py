"""The budget of a run: its limits, and which of them ended it."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct

from benchmarks.core.trial import Fidelities, Trial

Amount = Annotated[float, Meta(gt=0, description="a positive number, or null")]
Whole = Annotated[
    Annotated[int, Meta(gt=0)] | Annotated[float, Meta(gt=0)],
    Meta(description="a whole number, 1 or more, or null"),
]


LIMITS = ("trials", "cost", "trainings", "target_evaluations", "nominal")


class Unit(NamedTuple):
    """The cost of one evaluation at full fidelity, the unit of the limits of the cost."""

    seconds: float
    """the unit of ``target_evaluations``"""
    known_from: str
    """what it was taken from, for people"""
    good: float | None = None
    """the same of a good config, the unit of ``trainings``; None if not known, which then counts in
    ``seconds``"""

    @property
    def training(self) -> float:
        """The unit of ``trainings``, seconds."""
        return self.seconds if self.good is None else self.good


class Budget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Up to five limits; no evaluation starts once the first of them is reached."""

    trials: Whole | None = None
    """number of evaluations"""
    cost: Amount | None = None
    """total evaluation cost, seconds"""
    trainings: Amount | None = None
    """total evaluation cost, in trainings of a good config (``unit``)"""
    target_evaluations: Amount | None = None
    """total evaluation cost, in multiples of that of one evaluation at full fidelity (``unit``)"""
    nominal: Amount | None = None
    """total nominal cost, in full trainings, as the talk's Multitask counts it; for tasks whose
    fidelities have nominal costs"""
    target_cost: Amount | None = None
    """cost of one evaluation at full fidelity, seconds; overrides the task's ``target_cost``"""

    def __post_init__(self) -> None:
        """Check the limits; their types are checked where settings are parsed.

        Raises:
            ValueError: the number of trials is not whole, or no limit is set.
        """
        if self.trials is not None and not float(self.trials).is_integer():
            raise ValueError(f"budget.trials={self.trials}: must be a whole number")
        if all(getattr(self, limit) is None for limit in LIMITS):
            raise ValueError(f"the budget is unlimited: set one of {', '.join(LIMITS)}")

    def unit(
        self,
        task_target_cost: float | None,
        trials: Iterable[Trial],
        task_good_cost: float | None = None,
    ) -> Unit | None:
        """Return the cost of one evaluation at full fidelity; None before any trial has ended.

        It is the first of these that is known: ``target_cost`` of the budget, that of the task, the
        median cost of the ok trials at the target, the largest ``cost / fidelity`` of a trial.

        Args:
            task_target_cost: ``target_cost`` of the task, seconds; None if not known.
            trials: trials of the run; running ones are ignored.
            task_good_cost: ``good_cost`` of the task, seconds; None if not known.
        """
        if self.target_cost is not None:
            return Unit(self.target_cost, "budget.target_cost")
        if task_target_cost is not None:
            return Unit(task_target_cost, "the task", task_good_cost)
        ended = [trial for trial in trials if trial.status != "running"]
        at_target = [t.cost for t in ended if t.status == "ok" and t.fidelity == 1]
        if at_target:
            known_from = "the median cost of the trials at the target"
            return Unit(median(at_target), known_from, task_good_cost)
        if ended:
            largest = max(trial.cost / trial.fidelity for trial in ended)
            return Unit(largest, "the largest cost / fidelity of a trial", task_good_cost)
        return None

    def cost_limit(self, unit: Unit | None) -> tuple[float, str] | None:
        """Return the lowest of the cost limits, in seconds, and its name.

        None if none of ``cost``, ``trainings`` and ``target_evaluations`` is set, or the unit is
        not known yet.

        Args:
            unit: the cost of one evaluation at full fidelity.
        """
        limits = []
        if self.cost is not None:
            limits.append((self.cost, "cost"))
        if self.trainings is not None and unit is not None:
            limits.append((self.trainings * unit.training, "trainings"))
        if self.target_evaluations is not None and unit is not None:
            limits.append((self.target_evaluations * unit.seconds, "target_evaluations"))
        return min(limits, default=None)

    def check_nominal(self, fidelities: Fidelities) -> None:
        """Check that the task has nominal costs if the budget limits them.

        Raises:
            ValueError: ``nominal`` is set, but the fidelities have no nominal costs.
        """
        if self.nominal is not None and fidelities.nominal is None:
            raise ValueError(
                "budget.nominal needs a task whose fidelities have nominal costs: "
                "task.fidelity=multitask on the Cars tasks"
            )

    def spent(
        self, trials: int, cost: float, unit: Unit | None, nominal: float = 0.0
    ) -> str | None:
        """Return the name of a limit that is reached; None if another evaluation may start.

        Args:
            trials: number of evaluations started.
            cost: total cost of the evaluations that ended, seconds.
            unit: the cost of one evaluation at full fidelity, see ``unit``.
            nominal: total nominal cost of the evaluations started, in full trainings.
        """
        # Trials count at their start, costs at their end, so this limit is reached first.
        if self.trials is not None and trials >= self.trials:
            return "trials"
        # Tolerate rounding errors in sums of nominal costs such as 0.1 + 0.2.
        if self.nominal is not None and nominal >= self.nominal * (1 - 1e-9):
            return "nominal"
        limit = self.cost_limit(unit)
        return limit[1] if limit is not None and cost >= limit[0] else None
