from __future__ import annotations

import numpy as np

from tasks.replay.perceptrons import ARRAYS, AT_ONCE, Perceptrons


def made_up(members: int = 3, inputs: int = 2, units: int = 4, outputs: int = 5) -> Perceptrons:
    rng = np.random.default_rng(0)
    shapes = {
        "centre": (inputs,),
        "scale": (inputs,),
        "first": (members, inputs + 1, units),
        "second": (members, units + 1, units),
        "last": (members, units + 1, outputs),
    }
    arrays = {name: rng.random(shape).astype(np.float32) for name, shape in shapes.items()}
    return Perceptrons(**arrays)


def test_the_prediction_is_the_mean_of_the_formula() -> None:
    model = made_up()
    inputs = np.random.default_rng(1).random((AT_ONCE + 7, 2))
    x = (inputs - model.centre.astype(float)) / model.scale.astype(float)
    expected = np.zeros((len(inputs), 5))
    for first, second, last in zip(model.first, model.second, model.last, strict=True):
        hidden = x
        for weights in (first, second):
            hidden = np.tanh(hidden @ weights[:-1].astype(float) + weights[-1])
        expected += (hidden @ last[:-1].astype(float) + last[-1]) / 3
    np.testing.assert_allclose(model.predict(inputs), expected, rtol=1e-12)


def test_it_comes_back_from_its_arrays() -> None:
    model = made_up()
    arrays = model.arrays("p")
    assert set(arrays) == {f"p_{name}" for name in ARRAYS}
    assert {array.dtype for array in arrays.values()} == {np.dtype("<f4")}
    inputs = np.random.default_rng(1).random((3, 2))
    again = Perceptrons.from_arrays(arrays, "p")
    np.testing.assert_array_equal(again.predict(inputs), model.predict(inputs))


def test_no_inputs_have_no_predictions() -> None:
    assert made_up().predict(np.empty((0, 2))).shape == (0, 5)
