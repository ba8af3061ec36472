from __future__ import annotations

import math
from typing import Any

import pytest

from benchmarks.budget import Budget, Unit
from benchmarks.core.trial import Fidelities, Status, Trial
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


def trials(*ended: tuple[float, float, Status]) -> list[Trial]:
    return [
        Trial(number, {}, fidelity, 0.5, cost, status)
        for number, (fidelity, cost, status) in enumerate(ended)
    ]


def test_target_evaluations_are_multiples_of_the_unit() -> None:
    assert Budget(target_evaluations=2.5).cost_limit(Unit(4.0, "")) == (10.0, "target_evaluations")
    assert Budget(target_evaluations=2).spent(0, 8.0, Unit(4.0, "")) == "target_evaluations"
    assert Budget(target_evaluations=2).spent(0, 1e9, None) is None  # no trial has ended yet


def test_the_unit_is_that_of_the_budget_or_of_the_task() -> None:
    seen = trials((1.0, 7.0, "ok"))
    assert Budget(trials=1, target_cost=3.0).unit(4.0, seen) == Unit(3.0, "budget.target_cost")
    assert Budget(trials=1).unit(4.0, seen) == Unit(4.0, "the task")


def test_the_unit_of_an_unknown_task_is_measured_by_its_trials() -> None:
    unit = Budget(target_evaluations=2).unit
    assert unit(None, []) is None
    running = Trial(0, {}, 1.0, math.nan, math.nan, "running")
    assert unit(None, [running]) is None
    cheap = [(0.25, 1.0, "ok"), (0.5, 3.0, "failed"), (1.0, 99.0, "failed")]
    assert unit(None, trials(*cheap)) == Unit(99.0, "the largest cost / fidelity of a trial")
    assert unit(None, trials(*cheap[:2])).seconds == 6.0  # type: ignore[union-attr]
    target = [(1.0, 7.0, "ok"), (1.0, 5.0, "ok"), (1.0, 50.0, "ok")]
    known = Unit(7.0, "the median cost of the trials at the target")
    assert unit(None, trials(*cheap, *target)) == known


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
    assert budget.cost_limit(Unit(4.0, "")) == limit
    assert budget.spent(0, limit[0], Unit(4.0, "")) == limit[1]
    assert budget.spent(0, limit[0] - 1e-9, Unit(4.0, "")) is None


def test_whichever_limit_is_reached_first_ends_the_run() -> None:
    budget = Budget(trials=5, cost=10)
    assert budget.spent(5, 1.0, None) == "trials"
    assert budget.spent(1, 10.0, None) == "cost"
    assert budget.spent(4, 9.0, None) is None


def test_trials_alone_have_no_cost_limit() -> None:
    assert Budget(trials=5).cost_limit(Unit(3.0, "")) is None


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
    with pytest.raises(
        ValueError, match="unlimited: set one of trials, cost, trainings, target_evaluations"
    ):
        Budget(**limits)


def test_without_any_limit_a_run_has_two_trainings() -> None:
    settings = run_settings(budget={"trials": None, "target_cost": 3.0})
    assert settings.budget == Budget(trainings=2, target_cost=3.0)
    assert settings.plain["budget"]["trainings"] == 2
    assert run_settings(budget={"cost": 5.0}).budget == Budget(cost=5.0)


def test_trainings_are_those_of_a_good_config_where_the_task_knows_its_cost() -> None:
    budget = Budget(trainings=3)
    known = budget.unit(60.0, [], 276.0)
    assert known == Unit(60.0, "the task", 276.0)
    assert budget.cost_limit(known) == (828.0, "trainings")
    assert budget.cost_limit(budget.unit(60.0, [])) == (180.0, "trainings")
    stated = Budget(trainings=3, target_cost=10.0)
    assert stated.cost_limit(stated.unit(60.0, [], 276.0)) == (30.0, "trainings")
    measured = budget.unit(None, trials((1.0, 7.0, "ok")), 276.0)
    assert budget.cost_limit(measured) == (828.0, "trainings")
    both = Budget(trainings=1, target_evaluations=5)
    assert both.cost_limit(known) == (276.0, "trainings")


def test_trainings_are_those_of_a_good_config_where_the_task_knows_that_cost_alone() -> None:
    seen = trials((1.0, 5.0, "ok"))
    unit = Budget(trainings=2).unit(None, seen, 3.0)
    assert unit is not None
    assert Budget(trainings=2).cost_limit(unit) == (6.0, "trainings")
    assert Budget(target_evaluations=2).cost_limit(unit) == (10.0, "target_evaluations")
