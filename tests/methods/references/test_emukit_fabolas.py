"""Emukit's Fabolas example: that it is what runs, and that its defects are the ones we state."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from emukit.core import ContinuousParameter, ParameterSpace
from emukit.examples.fabolas import FabolasLoop, FabolasModel
from emukit.examples.fabolas.fabolas_model import transform

from benchmarks.core.space import Space
from benchmarks.core.trial import Fidelities, History, Trial
from methods.models.training_data import TrainingData, training_data
from methods.references.emukit_fabolas import EmukitFabolas
from methods.references.global_random import global_random
from methods.references.gpy_ei import quiet_gpy
from support.builders import SMALL

ROWS = 50_000


@pytest.fixture
def past(space: Space, fidelities: Fidelities, play: Callable[..., History]) -> History:
    """The initial design of 20 trials; no model is needed for it."""
    return play(EmukitFabolas(space, fidelities), 20)


def read(past: History, space: Space) -> TrainingData:
    data = training_data(past, space, transform="none")
    assert data is not None
    return data


def example(past: History) -> FabolasLoop:
    """What ``fmin_fabolas`` builds of these trials, every number its default."""
    square = ParameterSpace([ContinuousParameter("a", 0, 1), ContinuousParameter("b", 0, 1)])
    return FabolasLoop(
        space=square,
        X_init=np.array([[t.config["a"], t.config["b"], ROWS * t.fidelity] for t in past]),
        Y_init=np.array([[t.loss] for t in past]),
        cost_init=np.array([t.cost for t in past]),
        s_min=ROWS / 512,
        s_max=ROWS,
        marginalize_hypers=False,
    )


def models(loop: Any) -> list[FabolasModel]:
    return [updater.model for updater in loop.model_updaters]


def test_the_initial_design_is_the_examples(past: History) -> None:
    assert [t.fidelity for t in past] == [2.0 ** (i % 8 - 9) for i in range(20)]


def test_the_loop_is_the_examples(space: Space, fidelities: Fidelities, past: History) -> None:
    with quiet_gpy():
        theirs, ours = (
            example(past),
            EmukitFabolas(space, fidelities, loss_transform="none")._loop(read(past, space)),
        )
    for one, other in zip(models(theirs), models(ours), strict=True):
        np.testing.assert_allclose(other.X, one.X)
        np.testing.assert_allclose(other.Y, one.Y)
        assert (other.n_restarts, other.s_min, other.s_max) == (3, one.s_min, one.s_max)
        np.testing.assert_allclose(other.model[:], one.model[:])
    calculators = theirs.candidate_point_calculator, ours.candidate_point_calculator
    one, other = (c.acquisition.numerator for c in calculators)
    assert type(one) is type(other)
    assert one.num_representer_points == other.num_representer_points
    assert one.burn_in_steps == other.burn_in_steps
    np.testing.assert_array_equal(one.W, other.W)
    assert {c.acquisition_optimizer.num_eval_points for c in calculators} == {2000}


@pytest.mark.slow
def test_suggests_what_the_example_does(
    space: Space, fidelities: Fidelities, past: History
) -> None:
    with quiet_gpy():
        loop = example(past)
        with global_random(read(past, space).rng()):
            for updater in loop.model_updaters:
                updater.update(loop.loop_state)
        with global_random(np.random.default_rng(3)):
            (a, b, size) = loop.get_next_points()[0]
    suggestion = EmukitFabolas(space, fidelities, loss_transform="none").suggest(
        past, np.random.default_rng(3)
    )
    assert suggestion.config == pytest.approx({"a": a, "b": b})
    assert suggestion.fidelity == pytest.approx(size / ROWS)


@pytest.mark.slow
def test_finds_a_better_config_than_its_design_and_says_nothing(
    space: Space,
    fidelities: Fidelities,
    past: History,
    play: Callable[..., History],
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    small = SMALL["emukit_fabolas"] | {"initial_trials": 20, "candidates": 100}
    method = EmukitFabolas(space, fidelities, **small)
    with caplog.at_level(logging.WARNING):
        longer = play(method, 32)
    assert longer.trials[:20] == past.trials
    assert not any(t.note for t in longer.trials[20:])
    assert len({t.fidelity for t in longer.trials[20:]}) == 12
    assert not caplog.records
    assert not "".join(capfd.readouterr())

    def loss(config: Any) -> float:
        return float((config["a"] - 0.3) ** 2 + 0.5 * (config["b"] - 0.6) ** 2)

    config = method.recommend(longer, np.random.default_rng(0))
    assert config is not None
    assert loss(config) < np.median([loss(t.config) for t in past])
    assert loss(config) < 0.03


def test_recommends_the_lowest_mean_at_the_target(
    space: Space, fidelities: Fidelities, past: History
) -> None:
    method = EmukitFabolas(space, fidelities, restarts=1, loss_transform="none")
    data = read(past, space)
    model = models(method._fit(data))[0]
    projected = np.column_stack([data.x, np.ones(20)])  # rescaled sizes, which GPy's model sees
    means = model.model.predict(projected)[0][:, 0]
    config = method.recommend(past, np.random.default_rng(0))
    assert config == past.trials[int(means.argmin())].config
    first = History(past.trials[:7])
    assert first.best_seen is not None
    assert method.recommend(first, np.random.default_rng(0)) == first.best_seen.config


@pytest.mark.parametrize(
    ("offered", "allowed"),
    [(Fidelities(), {1.0}), (Fidelities(values=(0.1, 0.5, 1.0)), {0.1, 0.5, 1.0})],
)
def test_few_fidelities(
    offered: Fidelities, allowed: set[float], space: Space, play: Callable[..., History]
) -> None:
    past = play(EmukitFabolas(space, offered, **SMALL["emukit_fabolas"]), 16)
    assert {t.fidelity for t in past} <= allowed
    assert not any(t.note for t in past.trials[10:])


def test_where_emukit_raises_the_design_goes_on_and_says_so(
    space: Space, fidelities: Fidelities, past: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raises(data: TrainingData) -> None:
        raise np.linalg.LinAlgError("not positive definite, even with jitter.")

    method = EmukitFabolas(space, fidelities)
    monkeypatch.setattr(method, "_fit", raises)
    suggestion = method.suggest(past, np.random.default_rng(0))
    space.check(suggestion.config)
    assert suggestion.fidelity == 2.0**-5
    assert set(suggestion.note) == {"emukit_error"}
    assert past.best_seen is not None
    assert method.recommend(past, np.random.default_rng(0)) == past.best_seen.config


def test_the_defects_that_its_docstring_states_are_there(space: Space, past: History) -> None:
    """Fails with an emukit that mends them: then the docstring is to be written anew."""
    with quiet_gpy():
        loop = example(past)
        model = models(loop)[0]
        x = np.array([[0.2, 0.7, ROWS], [0.5, 0.5, ROWS]])
        scaled = np.column_stack([x[:, :2], transform(x[:, 2], model.s_min, model.s_max)])
        right = model.model.posterior_covariance_between_points(
            scaled[:1], scaled[1:], include_likelihood=False
        )
        found = model.get_covariance_between_points(x[:1], x[1:])
        assert abs(found[0, 0]) > 1e3 * abs(right[0, 0])
        assert model.basis_func(0.3) == 0.3
        assert not model.model.checkgrad()
        square = ParameterSpace([ContinuousParameter("a", 0, 1), ContinuousParameter("b", 0, 1)])
        FabolasLoop(square, model.X, model.Y, model.Y[:, 0], 1.0, 2.0, marginalize_hypers=False)
    assert square.parameter_names == ["a", "b", "s"]


def test_costs_are_modelled_in_seconds(space: Space, fidelities: Fidelities) -> None:
    rng = np.random.default_rng(0)
    trials = [
        Trial(n, space.sample(rng), 2.0 ** -(n % 9), 0.1 + rng.random(), 100.0 + n, "ok")
        for n in range(12)
    ]
    with quiet_gpy():
        loop = EmukitFabolas(space, fidelities, loss_transform="none")._loop(
            read(History(trials), space)
        )
    np.testing.assert_allclose(models(loop)[1].Y[:, 0], 100.0 + np.arange(12))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rows": 1}, "rows=1: must be 2 or more"),
        ({"representers": 0}, "representers=0: must be a whole number"),
        ({"initial_fidelities": [2]}, "initial_fidelities="),
        ({"initial_configs": "latin"}, "initial_configs=latin: allowed are sobol, random"),
        ({"loss_transform": "lgo"}, "loss_transform=lgo: allowed are log, none"),
    ],
)
def test_options(
    options: dict[str, Any], message: str, space: Space, fidelities: Fidelities
) -> None:
    with pytest.raises(ValueError, match=f"^method.{message}"):
        EmukitFabolas(space, fidelities, **options)
