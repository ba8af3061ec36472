from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

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
    assert data.transform == "log"


def test_a_loss_without_a_logarithm_turns_all_of_them_into_ranks(space: Space) -> None:
    """Also those of other fidelities, and where that one loss is not modelled."""
    nan = float("nan")
    past = [trial(0, 0.5), trial(1, nan, "failed"), trial(2, 0.1), trial(3, 0.3, s=0.25)]
    before = training_data(History(past, 1e-3), space)
    assert before is not None
    assert before.transform == "log"
    history = History([*past, trial(4, -1e-9, s=0.25)], 1e-3)
    data = training_data(history, space)
    assert data is not None
    assert data.transform == "ranks"
    low = norm.ppf((1 - 3 / 8) / (2 + 1 / 4))
    np.testing.assert_allclose(data.loss, [-low, -low, low, -low, low])
    at_target = training_data(history, space, only=(1.0,))
    assert at_target is not None
    assert at_target.transform == "ranks"
    np.testing.assert_allclose(at_target.loss, [-low, -low, low])


def test_failed_trials_are_never_ranked_among_themselves(space: Space) -> None:
    """Failures alone at a fidelity are as bad as the worst elsewhere, not average."""
    nan = float("nan")
    losses = [trial(n, -0.1 * n, s=0.25) for n in range(5)]
    data = training_data(
        History([*losses, *[trial(5 + n, nan, "failed") for n in range(3)]]), space
    )
    assert data is not None
    assert data.loss[5:].tolist() == [data.loss[0]] * 3
    assert data.loss[0] == data.loss.max() > 1


def test_earlier_data_may_be_read_as_ranks(space: Space) -> None:
    """As a refit does whose history ends before the first negative loss."""
    data = training_data(History([trial(0, 0.2), trial(1, 0.1)]), space, transform="ranks")
    assert data is not None
    assert data.transform == "ranks"
    np.testing.assert_allclose(data.loss.sum(), 0, atol=1e-12)


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
    assert data.transform == "none"


def test_whole_numbers_are_losses_too(space: Space) -> None:
    data = training_data(History([trial(0, 2), trial(1, 3)]), space)
    assert data is not None
    np.testing.assert_allclose(np.exp(data.loss), [2, 3])
