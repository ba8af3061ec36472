from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.core.space import Space
from benchmarks.core.trial import History, Status, Trial
from methods.models.training_data import training_data


def trial(number: int, loss: float, status: Status = "ok", s: float = 1.0) -> Trial:
    return Trial(number, {"a": 0.1 * number, "b": 0.5}, s, loss, 2.0, status)


def test_failed_trials_count_as_the_worst_loss_seen(space: Space) -> None:
    nan = float("nan")
    history = History(
        [trial(0, nan, "failed"), trial(1, 0.2), trial(2, 0.5, s=0.1), trial(3, nan, "timeout")]
    )
    data = training_data(history, space)
    assert data is not None
    np.testing.assert_allclose(np.exp(data.loss), [0.5, 0.2, 0.5, 0.5])
    np.testing.assert_allclose(data.log_cost, math.log(2))
    assert data.best(np.array([0.0, 0.3, 0.1, 0.0])) == {"a": 0.2, "b": 0.5}
    at_target = training_data(history, space, only=(1.0,))
    assert at_target is not None
    np.testing.assert_allclose(np.exp(at_target.loss), 0.2)


def test_running_trials_are_left_out(space: Space) -> None:
    data = training_data(History([trial(0, 0.3), trial(1, float("nan"), "running")]), space)
    assert data is not None
    assert len(data.x) == 1


def test_none_before_a_success(space: Space) -> None:
    assert training_data(History([trial(0, float("nan"), "diverged")]), space) is None
    assert training_data(History(), space) is None


def test_the_loss_floor(space: Space) -> None:
    data = training_data(History([trial(0, 0.0)], loss_floor=1e-3), space)
    assert data is not None
    assert data.loss == pytest.approx(math.log(1e-3))
    with pytest.raises(ValueError, match="loss_floor"):
        training_data(History([trial(0, 0.0)]), space)


def test_free_evaluations_have_a_finite_log_cost(space: Space) -> None:
    free = Trial(0, {"a": 0.1, "b": 0.5}, 1.0, 0.3, 0.0, "ok")
    data = training_data(History([free]), space)
    assert data is not None
    assert np.isfinite(data.log_cost).all()


def test_the_key_is_the_content(space: Space) -> None:
    one = training_data(History([trial(0, 0.3)]), space)
    same = training_data(History([trial(0, 0.3)]), space)
    other = training_data(History([trial(0, 0.31)]), space)
    assert one is not None
    assert same is not None
    assert other is not None
    assert one.key == same.key
    assert one.key != other.key
    assert one.rng().random() == same.rng().random()


def test_losses_as_they_are(space: Space) -> None:
    """No logarithm and so no floor: negative losses are taken as they come."""
    past = History([trial(0, -2.0), trial(1, float("nan"), "failed"), trial(2, 0.5)], 1e-3)
    data = training_data(past, space, transform="none")
    assert data is not None
    np.testing.assert_array_equal(data.loss, [-2.0, 0.5, 0.5])
    with pytest.raises(ValueError, match="loss_transform=none"):
        training_data(History([trial(0, -2.0)]), space)
