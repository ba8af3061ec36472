"""Whatever a task did, a model-based method says something valid, or one clear error."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.core.space import Categorical, Float, Integer, Space
from benchmarks.core.trial import Fidelities, History, Status, Trial
from methods.entropy_search import EntropySearch
from methods.expected_improvement import ExpectedImprovement
from methods.fabolas import Fabolas
from methods.mtbo import MTBO
from methods.references.emukit_entropy import EmukitES, EmukitMES
from methods.references.emukit_fabolas import EmukitFabolas
from methods.references.gpy_ei import GPyEI
from support.builders import SMALL

EMUKIT = [
    partial(EmukitES, **SMALL["emukit_es"]),
    partial(EmukitMES, **SMALL["emukit_mes"]),
    partial(EmukitFabolas, **SMALL["emukit_fabolas"]),
]
OURS = [ExpectedImprovement, EntropySearch, MTBO, Fabolas]
REFERENCES = [pytest.param(build, marks=pytest.mark.slow) for build in [GPyEI, *EMUKIT]]
"""methods of other packages, which take long"""
MODEL_BASED = [*OURS, *REFERENCES]
SHARES = (1 / 512, 1 / 64, 0.25, 1.0)
FIDELITIES = [Fidelities(), Fidelities(low=1 / 512), Fidelities(values=SHARES)]
SPACES = [
    Space({"a": Float(0.0, 1.0)}),
    Space({f"x{i}": Float(-1.0, 1.0) for i in range(8)}),
    Space({"a": Float(1e-5, 1.0, log=True), "b": Integer(1, 3), "c": Categorical(("u", "v"))}),
]


@st.composite
def histories(draw: st.DrawFn) -> tuple[Space, Fidelities, History]:
    """Few or many configs, often the same ones; losses and costs over many orders; failures."""
    space, fidelities = draw(st.sampled_from(SPACES)), draw(st.sampled_from(FIDELITIES))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    configs = [space.sample(rng) for _ in range(draw(st.integers(1, 16)))]
    losses = draw(
        st.sampled_from(
            [
                (0.3,),
                (0.0,),
                (0.0, 0.5),
                (1e-9, 1.0, 1e9),
                (-1e300, -0.5, 0.0, 1e300),
                tuple(rng.random(20)),
                tuple(rng.random(20) - 0.9),
            ]
        )
    )
    costs = draw(st.sampled_from([(1.0,), (0.0,), (1e-3, 1e3), tuple(np.exp(rng.normal(size=9)))]))
    statuses: tuple[Status, ...] = draw(
        st.sampled_from([("ok",), ("ok", "failed", "timeout"), ("failed",), ("ok", "running")])
    )
    trials = []
    for number in range(draw(st.integers(0, 24))):
        status = statuses[rng.integers(len(statuses))]
        trials.append(
            Trial(
                number,
                configs[rng.integers(len(configs))],
                fidelities.clip(SHARES[rng.integers(4)]),
                losses[rng.integers(len(losses))] if status == "ok" else math.nan,
                costs[rng.integers(len(costs))],
                status,
            )
        )
    return space, fidelities, History(trials, loss_floor=1e-4)


def check(build: Any, space: Space, fidelities: Fidelities, past: History, **options: Any) -> None:
    method = build(space, fidelities, **options)
    suggestion = method.suggest(past, np.random.default_rng(1))
    space.check(suggestion.config)
    fidelities.check(suggestion.fidelity)
    recommended = method.recommend(past, np.random.default_rng(2))
    seen = [t.config for t in past if t.status == "ok"]
    assert recommended in seen if recommended is not None else True
    assert recommended is not None or not any(t.fidelity == 1 for t in past if t.status == "ok")
    fresh = build(space, fidelities, **options)
    assert fresh.suggest(past, np.random.default_rng(1)) == suggestion


@pytest.mark.parametrize("transform", ["log", pytest.param("none", marks=pytest.mark.slow)])
@pytest.mark.parametrize("build", MODEL_BASED)
@settings(max_examples=16, derandomize=True, database=None)
@given(case=histories())
def test_any_history(build: Any, transform: str, case: tuple[Space, Fidelities, History]) -> None:
    check(build, *case, loss_transform=transform)


def long_history(space: Space, count: int, *, distinct: bool = True) -> History:
    """Trials at the target, but for every fifth at a quarter; costs span six orders."""
    rng = np.random.default_rng(0)
    configs = [space.sample(rng) for _ in range(count if distinct else 3)]
    return History(
        [
            Trial(
                number,
                configs[number % len(configs)],
                1.0 if number % 5 else 0.25,
                float(0.1 + rng.random()),
                float(10 ** rng.uniform(-3, 3)),
                "ok",
            )
            for number in range(count)
        ],
        loss_floor=1e-4,
    )


@pytest.mark.slow
@pytest.mark.parametrize("distinct", [True, False])
@pytest.mark.parametrize("build", MODEL_BASED)
def test_five_hundred_trials(build: Any, distinct: bool) -> None:
    check(build, SPACES[0], FIDELITIES[1], long_history(SPACES[0], 500, distinct=distinct))


@pytest.mark.parametrize("build", MODEL_BASED)
def test_eight_dimensions_and_costs_over_six_orders(build: Any) -> None:
    check(build, SPACES[1], FIDELITIES[1], long_history(SPACES[1], 40))


@pytest.mark.parametrize("build", MODEL_BASED)
def test_all_failed(build: Any) -> None:
    past = [Trial(n, {"a": n / 20}, 1.0, math.nan, 1.0, "failed") for n in range(20)]
    check(build, SPACES[0], FIDELITIES[1], History(past))
    assert (
        build(SPACES[0], FIDELITIES[1]).recommend(History(past), np.random.default_rng(0)) is None
    )
