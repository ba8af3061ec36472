"""The budget of a run: its limits, and which of them ended it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from benchmarks.core.trial import Fidelities

Amount = Annotated[float, Meta(gt=0, description="a positive number, or null")]
Whole = Annotated[
    Annotated[int, Meta(gt=0)] | Annotated[float, Meta(gt=0)],
    Meta(description="a whole number, 1 or more, or null"),
]


class Budget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Up to four limits; no evaluation starts once the first of them is reached."""

    trials: Whole | None = None
    """number of evaluations"""
    cost: Amount | None = None
    """total evaluation cost, seconds"""
    target_evaluations: Amount | None = None
    """total evaluation cost, in multiples of the median cost of one evaluation at full fidelity"""
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
        limits = (self.trials, self.cost, self.target_evaluations, self.nominal)
        if all(value is None for value in limits):
            names = "trials, cost, target_evaluations, nominal"
            raise ValueError(f"the budget is unlimited: set one of {names}")

    def cost_limit(self, task_target_cost: float | None) -> tuple[float, str] | None:
        """Return the lower of the two cost limits, in seconds, and its name.

        None if neither ``cost`` nor ``target_evaluations`` is set.

        Args:
            task_target_cost: ``target_cost`` of the task, seconds; None if not known.

        Raises:
            ValueError: ``target_evaluations`` is set, but ``target_cost`` is known neither to the
                budget nor to the task.
        """
        limits = []
        if self.cost is not None:
            limits.append((self.cost, "cost"))
        if self.target_evaluations is not None:
            unit = self.target_cost or task_target_cost
            if unit is None:
                raise ValueError(
                    "budget.target_evaluations needs budget.target_cost=SECONDS: "
                    "the cost of an evaluation at full fidelity is not known for this task"
                )
            limits.append((self.target_evaluations * unit, "target_evaluations"))
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
        self, trials: int, cost: float, task_target_cost: float | None, nominal: float = 0.0
    ) -> str | None:
        """Return the name of a limit that is reached; None if another evaluation may start.

        Args:
            trials: number of evaluations started.
            cost: total cost of the evaluations that ended, seconds.
            task_target_cost: ``target_cost`` of the task, seconds; None if not known.
            nominal: total nominal cost of the evaluations started, in full trainings.
        """
        # Trials count at their start, costs at their end, so this limit is reached first.
        if self.trials is not None and trials >= self.trials:
            return "trials"
        # Tolerate rounding errors in sums of nominal costs such as 0.1 + 0.2.
        if self.nominal is not None and nominal >= self.nominal * (1 - 1e-9):
            return "nominal"
        limit = self.cost_limit(task_target_cost)
        return limit[1] if limit is not None and cost >= limit[0] else None
