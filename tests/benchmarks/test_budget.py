from __future__ import annotations

import math
from typing import Any

import pytest

from benchmarks.budget import Budget
from benchmarks.core.trial import Fidelities
from benchmarks.settings import ConfigError
from support.settings import run_settings


def test_trials_end_a_run_exactly() -> None:
    budget = Budget(trials=3)
    assert [budget.spent(n, 1e9, None) for n in (0, 2, 3, 4)] == [None, None, "trials", "trials"]


def test_cost_ends_a_run_when_it_is_reached() -> None:
    budget = Budget(cost=10.0)
    assert [budget.spent(10**6, c, None) for c in (0, 9.99, 10.0, 11)] == [None, None] + [
        "cost"
    ] * 2


def test_target_evaluations_are_multiples_of_the_tasks_target_cost_unless_the_budget_says() -> None:
    assert Budget(target_evaluations=2.5).cost_limit(4.0) == (10.0, "target_evaluations")
    assert Budget(target_evaluations=2, target_cost=3.0).cost_limit(4.0)[0] == 6.0  # type: ignore[index]
    assert Budget(target_evaluations=2).spent(0, 8.0, 4.0) == "target_evaluations"


@pytest.mark.parametrize(
    ("cost", "evaluations", "limit"),
    [
        (10, 3, (10, "cost")),
        (10, 1, (4, "target_evaluations")),
        (None, 3, (12, "target_evaluations")),
    ],
)
def test_the_lower_cost_limit_counts(
    cost: float | None, evaluations: float, limit: tuple[float, str]
) -> None:
    budget = Budget(cost=cost, target_evaluations=evaluations)
    assert budget.cost_limit(4.0) == limit
    assert budget.spent(0, limit[0], 4.0) == limit[1]
    assert budget.spent(0, limit[0] - 1e-9, 4.0) is None


def test_whichever_limit_is_reached_first_ends_the_run() -> None:
    budget = Budget(trials=5, cost=10)
    assert budget.spent(5, 1.0, None) == "trials"
    assert budget.spent(1, 10.0, None) == "cost"
    assert budget.spent(4, 9.0, None) is None


def test_trials_alone_have_no_cost_limit() -> None:
    assert Budget(trials=5).cost_limit(3.0) is None


def test_target_evaluations_without_a_known_cost_say_what_to_set() -> None:
    with pytest.raises(ValueError, match=r"needs budget\.target_cost=SECONDS"):
        Budget(target_evaluations=2).spent(0, 0.0, None)


@pytest.mark.parametrize(
    "limits",
    [
        {"trials": 0},
        {"trials": -1},
        {"trials": 2.5},
        {"trials": math.inf},
        {"trials": True},
        {"cost": 0},
        {"cost": -1.0},
        {"cost": math.nan},
        {"cost": "much"},
        {"target_evaluations": -2},
        {"nominal": 0},
        {"trials": 3, "target_cost": 0},
    ],
)
def test_a_limit_that_is_no_positive_number_is_refused_by_name(limits: dict[str, Any]) -> None:
    name = list(limits)[-1]
    with pytest.raises(
        ConfigError, match=rf"^budget\.{name}=.*: must be a (positive|whole) number"
    ):
        run_settings(budget={"trials": None, **limits})


def test_nominal_costs_of_what_was_started_are_a_limit_where_there_are_some() -> None:
    budget = Budget(nominal=0.3, cost=10.0)
    assert budget.spent(0, 0.0, None, 0.1) is None
    assert budget.spent(0, 0.0, None, 0.1 + 0.2) == "nominal"
    assert Budget(nominal=0.6).spent(0, 0.0, None, 0.1 + 0.2 + 0.3 - 1e-16) == "nominal"
    with pytest.raises(ValueError, match=r"task\.fidelity=multitask"):
        budget.check_nominal(Fidelities(low=0.5))
    budget.check_nominal(Fidelities(low=0.1, values=(0.1, 1.0), nominal=(0.1, 1.0)))
    Budget(trials=3).check_nominal(Fidelities(low=0.5))


@pytest.mark.parametrize("limits", [{}, {"target_cost": 3.0}])
def test_an_unlimited_budget_is_refused(limits: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="unlimited: set one of trials, cost, target_evaluations"):
        Budget(**limits)
    with pytest.raises(ConfigError, match="unlimited: set one of trials, cost, target_evaluations"):
        run_settings(budget={"trials": None, **limits})
