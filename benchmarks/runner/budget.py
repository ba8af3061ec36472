"""The budget of a run: its limits, and which of them ended it."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.core.trial import Fidelities


@dataclass(frozen=True)
class Budget:
    """Up to four limits; no evaluation starts once the first of them is reached."""

    trials: int | None = None
    """number of evaluations"""
    cost: float | None = None
    """total evaluation cost, seconds"""
    target_evaluations: float | None = None
    """total evaluation cost, in multiples of the median cost of one evaluation at full fidelity"""
    nominal: float | None = None
    """total nominal cost, in full trainings, as the talk's Multitask counts it; for tasks whose
    fidelities have nominal costs"""
    target_cost: float | None = None
    """cost of one evaluation at full fidelity, seconds; overrides the task's ``target_cost``"""

    def __post_init__(self) -> None:
        """Check the limits.

        Raises:
            ValueError: a limit is not positive, or no limit is set.
        """
        limits = {"trials": self.trials, "cost": self.cost}
        limits |= {"target_evaluations": self.target_evaluations, "nominal": self.nominal}
        for name, value in {**limits, "target_cost": self.target_cost}.items():
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if value is not None and (not number or not value > 0):
                raise ValueError(f"budget.{name}={value}: must be a positive number")
        if self.trials is not None and not float(self.trials).is_integer():
            raise ValueError(f"budget.trials={self.trials}: must be a whole number")
        if all(value is None for value in limits.values()):
            raise ValueError(f"the budget is unlimited: set one of {', '.join(limits)}")

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
