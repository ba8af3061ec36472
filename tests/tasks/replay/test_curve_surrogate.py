from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from support.curves import DERIVED, EPOCHS, SPACE
from tasks.replay import table
from tasks.replay.curve_surrogate import (
    FAMILIES,
    MARGIN,
    CurveSurrogate,
    inputs_of,
    squashed,
)
from tasks.replay.curves import CURVES

CONFIG = {"rate": 0.1, "momentum": 0.5, "batch": 32, "nesterov": False}


@pytest.fixture(scope="module", params=FAMILIES)
def surrogate(request: pytest.FixtureRequest, curve_table: Path) -> CurveSurrogate:
    made = table.read(curve_table, CURVES)
    return CurveSurrogate(SPACE, made.meta, made.columns, request.param)


def test_inputs_are_the_unit_cube_and_the_logarithms_of_the_products() -> None:
    inputs = inputs_of(SPACE, CONFIG, DERIVED)
    np.testing.assert_allclose(inputs, [*SPACE.encode(CONFIG), math.log(0.1 / 0.5)])


@pytest.mark.parametrize("name", ["rates", "1-rates", "2-rate", "1-1-rate"])
def test_a_product_of_an_unknown_hyperparameter_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"^derived: {name} is not a hyperparameter"):
        inputs_of(SPACE, CONFIG, {"step": {name: 1}})


def test_the_same_config_and_seed_have_the_same_curve(surrogate: CurveSurrogate) -> None:
    first, again, other = (surrogate.draw(CONFIG, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.loss, again.loss)
    np.testing.assert_array_equal(first.cost, again.cost)
    assert not np.array_equal(first.loss, other.loss)


def test_what_is_kept_of_a_config_is_what_is_predicted(surrogate: CurveSurrogate) -> None:
    rng = np.random.default_rng(1)
    configs = [SPACE.sample(rng) for _ in range(20)]
    first = [surrogate.draw(config, 0).loss for config in configs]
    for config, loss in zip(configs, first, strict=True):
        np.testing.assert_array_equal(surrogate.draw(config, 0).loss, loss)
        whole = surrogate.predict(surrogate.inputs(config)[None])
        for kept, predicted in zip(surrogate.mean(config), whole, strict=True):
            np.testing.assert_array_equal(kept, predicted)


def test_noise_is_one_number_a_curve(surrogate: CurveSurrogate) -> None:
    plain = surrogate.predict(surrogate.inputs(CONFIG)[None])
    a, b = (np.log(surrogate.draw(CONFIG, s).loss / plain.loss)[0] for s in (0, 1))
    inside = (plain.loss[0] < 0.9) & (abs(a) > 1e-9)
    assert inside.sum() > 3
    np.testing.assert_allclose((a / b)[inside], (a / b)[inside][0], rtol=1e-6)


def test_noise_over_seeds_has_the_recorded_size(surrogate: CurveSurrogate) -> None:
    logs = [math.log(surrogate.draw(CONFIG, seed).loss[0, -1]) for seed in range(400)]
    assert 0.01 < np.std(logs) < 0.04  # 0.02, from the differences of 20 pairs
    plain = surrogate.predict(surrogate.inputs(CONFIG)[None]).loss[0, -1]
    assert np.mean(logs) == pytest.approx(math.log(plain), abs=0.01)


def test_costs_rise_along_a_curve_and_losses_stay_among_those_recorded(
    surrogate: CurveSurrogate,
) -> None:
    rng = np.random.default_rng(5)
    for seed in range(50):
        drawn = surrogate.draw(SPACE.sample(rng), seed)
        assert (np.diff(drawn.cost[0]) > 0).all()
        assert (drawn.loss > 0.04).all()
        assert (drawn.loss < 1.1).all()


def test_what_is_predicted_far_outside_the_recorded_range_is_squashed_and_keeps_its_order() -> None:
    lowest, highest = np.array([-1.0]), np.array([0.0])
    logs = np.array([-9.0, -1.4, -1.2, -1.05, -0.5, 0.0, 0.05, 0.15, 0.3])[:, None]
    seen = squashed(logs, lowest, highest)[:, 0]
    np.testing.assert_array_equal(seen[3:7], logs[3:7, 0])
    assert (np.diff(seen) > 0).all()
    assert seen.min() >= -1 - 2 * MARGIN
    assert seen.max() <= 2 * MARGIN
    assert seen[1] > logs[1, 0]


def test_perceptrons_do_not_explode_far_from_the_recorded_configs(curve_table: Path) -> None:
    stored = table.read(curve_table, CURVES)
    surrogate = CurveSurrogate(SPACE, stored.meta, stored.columns, "perceptrons")
    inputs = 100 * np.random.default_rng(0).standard_normal((200, len(surrogate.inputs(CONFIG))))
    made = surrogate.predict(inputs)
    fitted = ~stored.columns["held_out"] & (stored.columns["epochs"] == EPOCHS)
    for predicted, recorded in (
        (made.loss[:, -1], stored.columns["loss"][fitted, -1]),
        (made.cost[:, -1], stored.columns["cost"][fitted, EPOCHS - 1]),
    ):
        assert predicted.min() > recorded.min() / 1.22
        assert predicted.max() < recorded.max() * 1.22
