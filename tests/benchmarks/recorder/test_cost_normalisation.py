from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.recorder import cost_normalisation as costs
from benchmarks.recorder import raw_rows
from support.recordings import facts, recorded, session


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "rows.jsonl"


def best(path: Path) -> list[tuple[float, float, bool]]:
    """Cost as read, normalised cost and mark of each evaluation."""
    found = costs.best_rows(raw_rows.read(path))
    return [(row.record["cost"], cost, marked) for row, cost, marked in found]


def others(count: int, reference: float) -> list[dict[str, Any]]:
    return [facts(1.0, reference, subset_seed=1 + i) for i in range(count)]


def test_cost_is_normalised_to_the_idle_core_and_marked_above_15_percent(path: Path) -> None:
    recorded(path, session(), *others(38, 1.0))
    recorded(path, facts(20.0, 1.14, subset_seed=100), facts(30.0, 1.17, subset_seed=101))
    assert costs.idle_references(raw_rows.read(path)) == {"fast": 1.0}
    assert best(path)[-2:] == [
        (20.0, pytest.approx(20 / 1.14), False),
        (30.0, pytest.approx(30 / 1.17), True),
    ]
    assert not any(marked for *_, marked in best(path)[:38])


def test_the_reference_is_the_mean_of_before_and_after(path: Path) -> None:
    lines = facts(12.0, reference_before=1.0, reference_after=1.4, subset_seed=99)
    recorded(path, session(), *others(40, 1.0), lines)
    assert best(path)[-1] == (12.0, pytest.approx(10.0), True)


def test_costs_of_a_slower_machine_become_those_of_the_first(path: Path) -> None:
    recorded(path, session("fast"), *others(20, 0.8), session("slow"))
    recorded(path, *[facts(50.0, 1.6, subset_seed=200 + i) for i in range(20)])
    assert best(path)[-1] == (50.0, pytest.approx(25.0), False)


def test_of_several_timings_the_least_disturbed_counts_wherever_it_stands(path: Path) -> None:
    recorded(path, session(), *others(40, 1.0))
    recorded(path, facts(13.0, 1.3), facts(10.5, 1.05), facts(15.0, 1.5))
    assert best(path)[-1] == (10.5, pytest.approx(10.0), False)
    assert len(best(path)) == 41


def test_a_timing_that_ended_well_counts_before_one_that_failed(path: Path) -> None:
    recorded(path, session(), *others(40, 1.0))
    recorded(path, facts(0.1, 1.0, "failed"), facts(13.0, 1.3), facts(0.2, 0.9, "timeout"))
    assert best(path)[-1][0] == 13.0


def test_no_rows_give_nothing(path: Path) -> None:
    assert best(path) == []


def two_machines(path: Path, slower: float, shared: int) -> list[raw_rows.Row]:
    """40 evaluations of 1 to 40 s on the first; ``shared`` of them, and one more, on a second.

    There the reference takes twice as long, but trainings take ``slower`` times as long.
    """
    noise = np.random.default_rng(0).lognormal(sigma=0.05, size=shared)
    first = [facts(1.0 + i, 1.0, subset_seed=i) for i in range(40)]
    second = [facts((1.0 + i) * slower * noise[i], 2.0, subset_seed=i) for i in range(shared)]
    last = facts(60.0 * slower, 2.0, subset_seed=99)
    return recorded(path, session(), *first, session("slow"), *second, last)


@pytest.mark.parametrize(("shared", "factor"), [(12, 2 / 3), (0, 1.0)])
def test_another_machine_is_compared_by_what_was_timed_on_both(
    shared: int, factor: float, path: Path
) -> None:
    found = two_machines(path, 3.0, shared)
    expected = {"fast": 1.0, "slow": pytest.approx(factor, rel=0.05)}
    assert costs.machine_factors(found) == expected
    assert best(path)[-1][1] == pytest.approx(60.0 * 3 / 2 * factor, rel=0.05)
    assert best(path)[0][1] == 1.0


def test_what_is_mostly_the_call_compares_no_machines(path: Path) -> None:
    first = [facts(cost, 1.0, subset_seed=i) for i, cost in enumerate((0.2, 0.3, 0.4, 5.0))]
    second = [facts(cost, 1.0, subset_seed=i) for i, cost in enumerate((2.0, 3.0, 4.0, 10.0))]
    found = recorded(path, session(), *first, session("slow"), *second)
    assert costs.machine_factors(found)["slow"] == pytest.approx(0.5)
    assert len(costs.calibrations(found, "third", {row.key for row in found})) == 1


def test_calibrations_spread_over_costs_and_end_when_there_are_enough(path: Path) -> None:
    found = two_machines(path, 3.0, 0)
    design = {row.key for row in found}
    seeds = [key[2] for key in costs.calibrations(found, "slow", design)]
    assert len(seeds) == costs.CALIBRATIONS
    assert (seeds[0], seeds[-1]) == (0, costs.LONGEST - 1)
    assert max(np.diff(seeds)) <= 3
    assert costs.calibrations(found, "fast", design) == []
    assert costs.calibrations([], "slow", design) == []
    assert costs.calibrations(found, "slow", set()) == []
    more = two_machines(path, 3.0, 5)
    left = costs.calibrations(more, "slow", design)
    assert len(left) == costs.CALIBRATIONS - 5
    assert not {key[2] for key in left} & set(range(5))
