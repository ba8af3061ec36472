"""What a run may spend, and why it stopped."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.core.trial import Fidelities


@dataclass(frozen=True)
class Budget:
    """Up to four limits, whichever is reached first. No evaluation starts after it."""

    trials: int | None = None
    """number of evaluations"""
    cost: float | None = None
    """evaluation cost, seconds"""
    target_evaluations: float | None = None
    """evaluation cost in multiples of what one evaluation at the target costs in the median"""
    nominal: float | None = None
    """nominal cost of evaluations, in full trainings: what the talk's Multitask counts, on a task
    whose fidelities have one"""
    target_cost: float | None = None
    """seconds of one target evaluation, for tasks that do not know it"""

    def __post_init__(self) -> None:
        """Check the limits.

        Raises:
            ValueError: a limit is not positive, or there is none.
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
        """The lower of the two cost limits in seconds, and its name; None without one.

        Raises:
            ValueError: ``target_evaluations`` is set, and neither task nor budget says what a
                target evaluation costs.
        """
        limits = []
        if self.cost is not None:
            limits.append((self.cost, "cost"))
        if self.target_evaluations is not None:
            unit = self.target_cost or task_target_cost
            if unit is None:
                raise ValueError(
                    "budget.target_evaluations needs budget.target_cost=SECONDS: "
                    "this task does not know what an evaluation at the target costs"
                )
            limits.append((self.target_evaluations * unit, "target_evaluations"))
        return min(limits, default=None)

    def check_nominal(self, fidelities: Fidelities) -> None:
        """Refuse a limit of nominal cost on a task that has none.

        Raises:
            ValueError: ``nominal`` is set, and the fidelities have no nominal costs.
        """
        if self.nominal is not None and fidelities.nominal is None:
            raise ValueError(
                "budget.nominal needs a task whose fidelities have nominal costs: "
                "task.fidelity=multitask on the Cars tasks"
            )

    def spent(
        self, trials: int, cost: float, task_target_cost: float | None, nominal: float = 0.0
    ) -> str | None:
        """The name of a limit that is reached, or None: another evaluation may start.

        Args:
            trials: number of evaluations started.
            cost: seconds charged for those that ended.
            task_target_cost: see ``cost_limit``.
            nominal: nominal cost of those started, in full trainings.
        """
        # the last trial starts before its cost is known, so this limit is reached first
        if self.trials is not None and trials >= self.trials:
            return "trials"
        # sums of tenths: 0.1 + 0.2 is above 0.3
        if self.nominal is not None and nominal >= self.nominal * (1 - 1e-9):
            return "nominal"
        limit = self.cost_limit(task_target_cost)
        return limit[1] if limit is not None and cost >= limit[0] else None
