from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor

from tasks.replay import fit_trees as ensembles
from tasks.replay.forest import ARRAYS, Forest

RNG = np.random.default_rng(0)
INPUTS = RNG.random((120, 4))
OUTPUTS = np.stack(
    [np.sin(5 * INPUTS[:, 0]), INPUTS[:, 1] * INPUTS[:, 2], 3 + INPUTS[:, 3]], axis=1
)
ELSEWHERE = RNG.random((50, 4))


def test_extra_trees_are_those_of_scikit_learn() -> None:
    forest = ensembles.fit("extra_trees", INPUTS, OUTPUTS, [[0, 1], [2]])
    both = ExtraTreesRegressor(random_state=0, **ensembles.EXTRA_TREES)
    one = ExtraTreesRegressor(random_state=0, **ensembles.EXTRA_TREES)
    expected = np.column_stack([
        both.fit(INPUTS, OUTPUTS[:, :2]).predict(ELSEWHERE),
        one.fit(INPUTS, OUTPUTS[:, 2]).predict(ELSEWHERE),
    ])  # fmt: skip
    np.testing.assert_allclose(forest.predict(ELSEWHERE), expected, rtol=1e-5, atol=1e-6)


def test_boosting_is_that_of_scikit_learn() -> None:
    forest = ensembles.fit("boosting", INPUTS, OUTPUTS, [[0, 1], [2]])
    for column in range(3):
        model = GradientBoostingRegressor(random_state=0, init="zero", **ensembles.BOOSTING)
        mean = OUTPUTS.mean(axis=0)[column]
        expected = mean + model.fit(INPUTS, OUTPUTS[:, column] - mean).predict(ELSEWHERE)
        np.testing.assert_allclose(
            forest.predict(ELSEWHERE)[:, column], expected, rtol=1e-5, atol=1e-6
        )


@pytest.mark.parametrize("family", ["extra_trees", "boosting"])
def test_a_forest_becomes_arrays_and_comes_back(family: str) -> None:
    forest = ensembles.fit(family, INPUTS, OUTPUTS, [[0, 1, 2]])
    arrays = forest.arrays("it")
    assert {name: array.dtype for name, array in arrays.items()} == {
        f"it_{name}": np.dtype(kind) for name, kind in ARRAYS.items()
    }
    again = Forest.from_arrays(arrays, "it")
    np.testing.assert_array_equal(again.predict(ELSEWHERE), forest.predict(ELSEWHERE))
    one_by_one = [again.predict(row[None])[0] for row in ELSEWHERE]
    np.testing.assert_allclose(one_by_one, again.predict(ELSEWHERE), rtol=1e-12)
