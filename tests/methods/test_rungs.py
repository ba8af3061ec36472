from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.core.protocols import Method
from benchmarks.core.trial import Fidelities, Trial
from methods.asha import ASHA
from methods.hyperband import Hyperband
from methods.rungs import brackets, ladder, rank
from support.parallel import play
from support.tiny import Tiny

EPOCHS = Fidelities(values=tuple(epoch / 35 for epoch in range(1, 36)))
TALK = Fidelities(values=(4 / 35, 18 / 35, 1.0))


def sizes(low: float, rule: str, eta: int = 3) -> list[list[tuple[int, int]]]:
    """Per bracket, (configs, resource in units of the smallest) of every rung."""
    plan = brackets(ladder(Fidelities(low=low), eta), eta, rule)
    return [[(rung.configs, round(rung.fidelity / low)) for rung in bracket] for bracket in plan]


def test_table_1_of_the_paper_is_reproduced_exactly() -> None:
    assert sizes(1 / 81, "table1") == [
        [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
        [(27, 3), (9, 9), (3, 27), (1, 81)],
        [(9, 9), (3, 27), (1, 81)],
        [(6, 27), (2, 81)],
        [(5, 81)],
    ]


def test_algorithm_1s_ceiling_starts_more_configs_than_table_1() -> None:
    assert [bracket[0][0] for bracket in sizes(1 / 81, "algorithm1")] == [81, 34, 15, 8, 5]
    assert sizes(1 / 81, "algorithm1")[1] == [(34, 3), (11, 9), (3, 27), (1, 81)]


@pytest.mark.parametrize("power", range(1, 9))
def test_an_exact_power_loses_no_rung_to_rounding(power: int) -> None:
    for eta in (2, 3, 4, 5):
        for fidelities in (
            Fidelities(low=float(eta) ** -power),
            Fidelities(values=tuple(float(eta) ** -p for p in range(power, -1, -1))),
        ):
            rungs = ladder(fidelities, eta)
            plan = brackets(rungs, eta, "table1")
            assert rungs == [float(eta) ** -p for p in range(power, -1, -1)]
            assert len(plan) == power + 1
            assert len(plan[0]) == power + 1
            assert plan[0][-1].fidelity == 1


def test_an_interval_is_left_at_its_lowest_power() -> None:
    assert ladder(Fidelities(low=0.1), 3) == [1 / 9, 1 / 3, 1]


def test_only_the_target_is_random_search_in_brackets_of_one() -> None:
    assert sizes(1.0, "table1") == [[(1, 1)]]
    assert ladder(Fidelities(values=(1.0,)), 3) == [1]


@pytest.mark.parametrize(
    ("fidelities", "eta", "native"),
    [
        (TALK, 2, [4, 18, 35]),  # 1/4 and 1/2 are both nearest to 18 epochs
        (TALK, 3, [4, 18, 35]),  # 1/9 is below 4 epochs
        (TALK, 4, [4, 18, 35]),
        (EPOCHS, 2, [1, 2, 4, 9, 18, 35]),
        (EPOCHS, 3, [1, 4, 12, 35]),
        (EPOCHS, 4, [1, 2, 9, 35]),  # 1/16 is 2 epochs
        (EPOCHS, 5, [1, 7, 35]),
        (Fidelities(values=(0.5, 1.0)), 3, [17.5, 35]),
        (Fidelities(values=(0.9, 1.0)), 2, [31.5, 35]),
        # 1/27 is nearly the cheapest value, which takes its place
        (Fidelities(values=(1 / 30, 1 / 28, 1 / 9, 1 / 3, 1.0)), 3, [7 / 6, 35 / 9, 35 / 3, 35]),
    ],
)
def test_rungs_on_a_finite_set(fidelities: Fidelities, eta: int, native: list[float]) -> None:
    """In epochs, of 35."""
    rungs = ladder(fidelities, eta)
    assert [35 * s for s in rungs] == pytest.approx(native)
    assert set(rungs) <= set(fidelities.values or ())


VALUES = st.sets(st.floats(1e-4, 1, exclude_max=True), max_size=8)
ETAS = st.sampled_from([2, 3, 4])


def offered(values: set[float]) -> Fidelities:
    return Fidelities(values=(*sorted(values), 1.0))


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(values=VALUES, eta=ETAS, rule=st.sampled_from(["table1", "algorithm1"]))
def test_any_finite_set_gives_rising_rungs_and_distinct_brackets(
    values: set[float], eta: int, rule: str
) -> None:
    fidelities = offered(values)
    plan = brackets(ladder(fidelities, eta), eta, rule)
    assert plan[0][0].fidelity == fidelities.low
    for bracket in plan:
        shares = [rung.fidelity for rung in bracket]
        assert all(a < b for a, b in pairwise(shares))
        assert shares[-1] == 1
        assert set(shares) <= set(fidelities.values or ())
        counts = [rung.configs for rung in bracket]
        assert counts[-1] >= 1
        assert all(b == a // eta for a, b in pairwise(counts))
    assert [len(bracket) for bracket in plan] == list(range(len(plan), 0, -1))
    assert len(plan) >= min(2, len(fidelities.values or ()))


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(values=VALUES, eta=ETAS)
def test_what_is_offered_near_every_power_is_used_where_it_lies_apart(
    values: set[float], eta: int
) -> None:
    """Powers of 1/eta moved to the nearest value, as on an interval, are the rungs wherever these
    are distinct and begin with the cheapest.
    """
    fidelities = offered(values)
    moved = [fidelities.clip(s) for s in ladder(Fidelities(low=fidelities.low), eta)]
    if len(set(moved)) == len(moved) and moved[0] == fidelities.low:
        assert ladder(fidelities, eta) == moved


@pytest.mark.parametrize("build", [Hyperband, ASHA])
@settings(max_examples=30, deadline=None, derandomize=True, database=None)
@given(values=VALUES, eta=ETAS, workers=st.sampled_from([1, 4]), seed=st.integers(0, 100))
def test_no_config_is_trained_twice_alike_within_a_bracket(
    build: type[Hyperband] | type[ASHA], values: set[float], eta: int, workers: int, seed: int
) -> None:
    rng, fidelities = np.random.default_rng(seed), offered(values)
    method: Method = build(Tiny.space, fidelities, eta=eta)
    last = play(method, workers, 60, lambda _: (float(rng.random()), "ok"), rng)[-1]
    assert last.trials[0].fidelity == fidelities.low
    told = [(t.note["bracket"], tuple(t.config.values()), t.fidelity) for t in last]
    assert len(set(told)) == len(told)


@pytest.mark.parametrize(
    ("fidelities", "options", "reason"),
    [
        (Fidelities(), {}, "no fidelity is 1/3 or less (the lowest on offer is 1)"),
        (
            Fidelities(low=0.3),
            {"eta": 4},
            "no fidelity is 1/4 or less (the lowest on offer is 0.3)",
        ),
        (Fidelities(low=1 / 9), {"bracket": 2}, "bracket 2 has full trainings only"),
    ],
)
def test_random_search_is_called_so_in_one_line(
    fidelities: Fidelities,
    options: dict[str, int],
    reason: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ASHA(Tiny.space, fidelities, **options)
    line = f": {reason}, so nothing is halved: this is random search\n"
    assert capsys.readouterr().err == f"asha{line}"
    if "bracket" not in options:
        Hyperband(Tiny.space, fidelities, **options)
        assert capsys.readouterr().err == f"hyperband{line}"


@pytest.mark.parametrize("build", [Hyperband, ASHA])
def test_nothing_is_said_where_something_is_halved(
    build: type[Hyperband] | type[ASHA], capsys: pytest.CaptureFixture[str]
) -> None:
    for fidelities in (Fidelities(low=1 / 3), TALK, EPOCHS, Fidelities(values=(0.9, 1.0))):
        build(Tiny.space, fidelities)
    ASHA(Tiny.space, TALK, bracket=0)
    assert capsys.readouterr() == ("", "")


def test_failed_trials_rank_last_and_ties_by_number() -> None:
    nan = math.nan
    trials = [
        Trial(0, {}, 1.0, nan, 1.0, "failed"),
        Trial(1, {}, 1.0, 0.5, 1.0, "ok"),
        Trial(2, {}, 1.0, -2.0, 1.0, "ok"),
        Trial(3, {}, 1.0, 0.5, 1.0, "ok"),
        Trial(4, {}, 1.0, nan, 1.0, "timeout"),
    ]
    assert [trial.number for trial in sorted(trials, key=rank)] == [2, 1, 3, 0, 4]
