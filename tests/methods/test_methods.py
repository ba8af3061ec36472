"""What every method of the suite must do with awkward histories, and that it has no memory."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.core.protocols import Method
from benchmarks.core.space import Categorical, Float, Integer, Space
from benchmarks.core.trial import Fidelities, History, Status, Trial
from methods.entropy_search import EntropySearch
from methods.expected_improvement import ExpectedImprovement
from methods.fabolas import Fabolas
from methods.mtbo import MTBO
from methods.random_search import RandomSearch
from methods.references.emukit_entropy import EmukitES, EmukitMES
from methods.references.emukit_fabolas import EmukitFabolas
from methods.references.gpy_ei import GPyEI
from support.builders import SMALL
from support.settings import composed

ROOT = Path(__file__).parents[2]
EMUKIT = [
    partial(EmukitES, **SMALL["emukit_es"]),
    partial(EmukitMES, **SMALL["emukit_mes"]),
    partial(EmukitFabolas, **SMALL["emukit_fabolas"]),
]
REFERENCES = [pytest.param(build, marks=pytest.mark.slow) for build in [GPyEI, *EMUKIT]]
"""methods of other packages, which take long"""
MODEL_BASED = [ExpectedImprovement, EntropySearch, MTBO, Fabolas, *REFERENCES[:3]]
METHODS = [RandomSearch, *MODEL_BASED, REFERENCES[3]]
NAN = float("nan")
Build = Callable[[Space, Fidelities], Method]


def history(
    space: Space,
    fidelities: Fidelities,
    count: int,
    *,
    loss: float | None = None,
    status: Status = "ok",
    distinct: bool = True,
) -> History:
    rng = np.random.default_rng(7)
    config = space.sample(rng)
    trials = []
    for number in range(count):
        config = space.sample(rng) if distinct else config
        fidelity = 1.0 if number % 2 else fidelities.clip(0.05)
        value = float(rng.random()) if loss is None else loss
        trials.append(Trial(number, config, fidelity, value, 0.1 + fidelity, status))
    return History(trials, loss_floor=1e-3)


def check(method: Method, past: History, space: Space, fidelities: Fidelities) -> None:
    suggestion = method.suggest(past, np.random.default_rng(1))
    space.check(suggestion.config)
    fidelities.check(suggestion.fidelity)
    recommended = method.recommend(past, np.random.default_rng(2))
    if recommended is not None:
        space.check(recommended)


@pytest.mark.parametrize("build", METHODS)
@pytest.mark.parametrize("count", [0, 1, 12])
def test_awkward_histories(build: Build, count: int, space: Space, fidelities: Fidelities) -> None:
    for past in (
        history(space, fidelities, count),
        history(space, fidelities, count, loss=0.9),
        history(space, fidelities, count, loss=NAN, status="failed"),
        history(space, fidelities, count, loss=NAN, status="running"),
        history(space, fidelities, count, distinct=False),
        history(space, fidelities, count, loss=0.0, distinct=False),
    ):
        check(build(space, fidelities), past, space, fidelities)


@pytest.mark.parametrize("build", METHODS)
@pytest.mark.parametrize(
    "offered", [Fidelities(), Fidelities(values=(0.1, 0.25, 1.0)), Fidelities(low=0.2)]
)
def test_fidelities_on_offer(build: Build, offered: Fidelities, space: Space) -> None:
    check(build(space, offered), history(space, offered, 14), space, offered)


@pytest.mark.parametrize("build", METHODS)
def test_mixed_space(build: Build, fidelities: Fidelities) -> None:
    mixed = Space(
        {"rate": Float(1e-4, 1, log=True), "units": Integer(1, 8), "kind": Categorical(("a", "b"))}
    )
    check(build(mixed, fidelities), history(mixed, fidelities, 14), mixed, fidelities)


@pytest.mark.slow
@pytest.mark.parametrize("build", METHODS)
def test_a_fresh_object_suggests_what_a_used_one_does(
    build: Build, space: Space, fidelities: Fidelities, play: Callable[..., History]
) -> None:
    used = build(space, fidelities)
    past = play(used, 14)
    assert play(build(space, fidelities), 14).trials == past.trials
    used.recommend(past, np.random.default_rng(3))
    fresh = build(space, fidelities)
    assert fresh.suggest(past, np.random.default_rng(4)) == used.suggest(
        past, np.random.default_rng(4)
    )
    assert fresh.recommend(past, np.random.default_rng(5)) == used.recommend(
        past, np.random.default_rng(6)
    )


@pytest.mark.parametrize("build", METHODS)
def test_the_global_random_state_is_left_alone(
    build: Build, space: Space, fidelities: Fidelities
) -> None:
    np.random.seed(1)
    before = np.random.get_state()[1].tolist()  # type: ignore[index,union-attr]
    check(build(space, fidelities), history(space, fidelities, 14), space, fidelities)
    assert np.random.get_state()[1].tolist() == before  # type: ignore[index,union-attr]


def test_importing_methods_loads_no_gpy() -> None:
    code = (
        "import sys, methods.fabolas, methods.references.gpy_ei, methods.random_search,"
        "methods.mtbo, methods.entropy_search, methods.expected_improvement,"
        "methods.references.emukit_entropy, methods.references.emukit_fabolas;"
        "assert not {'GPy', 'emukit', 'paramz', 'benchmarks.runner.loop'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize("build", MODEL_BASED)
def test_losses_as_they_are(build: Any, space: Space, fidelities: Fidelities) -> None:
    """Negative losses need no logarithm, and scaling and shifting them changes nothing."""
    method = build(space, fidelities, loss_transform="none")
    past = history(space, fidelities, 14)
    moved = [replace(t, loss=16 * t.loss - 8) for t in past]
    check(method, History(moved), space, fidelities)
    first = method.recommend(History(past.trials), np.random.default_rng(0))
    assert first == method.recommend(History(moved), np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"^method.loss_transform=lgo: allowed are log, none"):
        build(space, fidelities, loss_transform="lgo")


def yaml_of(name: str) -> dict[str, Any]:
    conf = composed(f"method={name}")["method"]
    assert conf.pop("name") == name
    return dict(conf)


AS_PUBLISHED = {
    "initial_configs",
    "loss_powers",
    "length_scales",
    "hyper_samples",
    "mcmc_steps",
    "entropy",
    "candidates",
    "finalists",
}


@pytest.mark.parametrize(
    ("preset", "build", "changed"),
    [
        ("fabolas_paper", Fabolas, {*AS_PUBLISHED, "basis_on"}),
        ("fabolas_robo", Fabolas, {*AS_PUBLISHED, "sigma_phi", "overhead_in_cost"}),
        ("fabolas_talk", Fabolas, {"overhead_in_cost"}),
        ("mtbo_32", MTBO, {"fidelity_values"}),
        ("mtbo_512", MTBO, {"fidelity_values"}),
        ("mtbo_talk", MTBO, {"fidelity_values", "overhead_in_cost"}),
    ],
)
def test_presets_hold_every_option_and_work(
    preset: str, build: type, changed: set[str], space: Space, fidelities: Fidelities
) -> None:
    conf = yaml_of(preset)
    assert conf.pop("_target_") == f"methods.{build.__name__}"
    defaults = {k: p.default for k, p in inspect.signature(build).parameters.items()}
    assert {"space", "fidelities", *conf} == set(defaults)
    wanted = {k: tuple(v) if isinstance(v, list) else v for k, v in conf.items()}
    assert {k for k, v in wanted.items() if v != defaults[k]} == changed
    check(build(space, fidelities, **conf), history(space, fidelities, 14), space, fidelities)
