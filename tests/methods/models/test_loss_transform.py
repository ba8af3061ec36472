from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from benchmarks.core.trial import History, Status, Trial
from methods.models.loss_transform import (
    LARGEST,
    normal_scores,
    transform_in_use,
    transform_note,
    transformed,
)


def history(*losses: float, floor: float = 0.0, status: Status = "ok", s: float = 1.0) -> History:
    trials = [Trial(n, {}, s, loss, 1.0, status) for n, loss in enumerate(losses)]
    return History(trials, floor)


def test_logarithms_until_a_loss_has_none() -> None:
    assert transform_in_use(history(), "log") == "log"
    assert transform_in_use(history(0.5, 5e-324), "log") == "log"
    assert transform_in_use(history(0.5, 0.0, floor=1e-3), "log") == "log"
    assert transform_in_use(history(0.5, 0.0), "log") == "ranks"
    assert transform_in_use(history(0.5, -1e-300, 0.5, floor=1e-3), "log") == "ranks"
    assert transform_in_use(history(-1.0, s=0.25), "log") == "ranks"


def test_only_losses_that_were_observed_count() -> None:
    for status in ("failed", "timeout", "diverged", "running"):
        assert transform_in_use(history(-1.0, status=status), "log") == "log"
    assert transform_in_use(history(-math.inf), "log") == "log"


def test_what_was_asked_for_stays() -> None:
    assert transform_in_use(history(-1.0), "none") == "none"
    assert transform_in_use(history(1.0), "ranks") == "ranks"


def test_the_note_names_ranks_only() -> None:
    assert transform_note("log") == transform_note("none") == {}
    assert transform_note("ranks") == {"loss_transform": "ranks"}


def test_logarithm_and_loss_itself() -> None:
    loss, s = np.array([0.0, 0.5, 1e300]), np.ones(3)
    found = transformed(loss, s, "log", 1e-3)
    np.testing.assert_allclose(found, np.log([1e-3, 0.5, 1e300]))
    np.testing.assert_array_equal(transformed(loss, s, "none", 1e-3), [0, 0.5, LARGEST])
    np.testing.assert_array_equal(transformed(-loss, s, "none", 1e-3), [0, -0.5, -LARGEST])


def test_bloms_scores_by_hand() -> None:
    """Near the expected order statistics, 0.8463 of three, 1.1630 and 0.4950 of five."""
    found = normal_scores(np.array([2.0, -7.0, 1.0]), np.ones(3))
    np.testing.assert_allclose(found, [0.8694, -0.8694, 0], atol=1e-4)
    found = normal_scores(np.array([-1.0, -2.0, 3.0, 1e300, 0.0]), np.ones(5))
    np.testing.assert_allclose(found, [-0.4972, -1.1798, 0.4972, 1.1798, 0], atol=1e-4)


def test_ties_get_their_mean_rank() -> None:
    found = normal_scores(np.array([-1.0, 0.0, 0.0, 4.0]), np.ones(4))
    np.testing.assert_allclose(found, norm.ppf((np.array([1, 2.5, 2.5, 4]) - 3 / 8) / 4.25))
    assert normal_scores(np.zeros(7), np.ones(7)).tolist() == [0] * 7
    assert normal_scores(np.array([-3.0]), np.ones(1)).tolist() == [0]


def test_each_fidelity_has_ranks_of_its_own() -> None:
    """4, 5 and 18 of 35 epochs: the first two are nearest to 1/8, the third to 1/2."""
    s = np.array([4 / 35, 1, 5 / 35, 18 / 35, 1, 4 / 35])
    loss = np.array([9.0, -5.0, 8.0, 0.0, -4.0, 7.0])
    two, three = norm.ppf((2 - 3 / 8) / 2.25), norm.ppf((3 - 3 / 8) / 3.25)
    expected = [three, -two, 0, 0, two, -three]
    np.testing.assert_allclose(normal_scores(loss, s), expected, atol=1e-12)


LOSSES = st.floats(allow_nan=False, allow_infinity=False, width=64)
SHARES = st.sampled_from([1 / 512, 1 / 300, 0.1, 0.114, 0.25, 0.5, 0.514, 1.0])


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(rows=st.lists(st.tuples(LOSSES, SHARES), min_size=1, max_size=30))
def test_the_order_within_a_fidelity_is_kept(rows: list[tuple[float, float]]) -> None:
    loss, s = (np.array(column) for column in zip(*rows, strict=True))
    scores = normal_scores(loss, s)
    assert np.isfinite(scores).all()
    assert np.abs(scores).max() < 3
    for share in set(s.tolist()):
        order = sorted(zip(loss[s == share], scores[s == share], strict=True))
        for (a, x), (b, y) in pairwise(order):
            assert (x < y) if a < b else x == y


@pytest.mark.parametrize(
    "loss", [[1e300, -1e300, 1.0], [0.5, np.nextafter(0.5, 1)], [5e-324, 0.0, -5e-324]]
)
def test_huge_and_infinitesimal_differences_count_alike(loss: list[float]) -> None:
    scores = normal_scores(np.array(loss), np.ones(len(loss)))
    np.testing.assert_array_equal(np.argsort(scores), np.argsort(loss))
    assert np.diff(np.sort(scores)).min() > 0.5
