from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tasks.language_model.network import Transformer  # noqa: E402
from tasks.language_model.training import (  # noqa: E402
    LanguageTraining,
    Problem,
    learning_rate,
)
from tasks.training.training import DivergedError  # noqa: E402

CONTEXT, UNITS, STEPS = 8, 3, 20
CONFIG: dict[str, Any] = {
    "learning_rate": 0.01,
    "weight_decay": 0.01,
    "one_minus_beta2": 0.01,
    "batch_size": 8,
    "width": 32,
    "layers": 1,
    "dropout": 0.1,
    "warmup": 0.2,
    "final_rate": 0.1,
}


def problem() -> Problem:
    """A text that counts round and round: easy to learn."""
    tokens = np.arange(2000) % 7
    cut = tokens[: 40 * CONTEXT + 1]
    rows = np.arange(40)[:, None] * CONTEXT + np.arange(CONTEXT + 1)
    return Problem(tokens, cut[rows[:5]], cut[rows], cut[rows[20:]], 7, CONTEXT, UNITS, STEPS)


def trained(units: int = UNITS, seed: int = 0, **changed: Any) -> LanguageTraining:
    training = LanguageTraining(problem(), CONFIG | changed, seed)
    training.advance(units)
    return training


def test_it_learns_and_scores_the_test_text_at_the_end_only() -> None:
    curve = trained().curve
    assert len(curve.loss) == len(curve.cost) == UNITS
    assert curve.loss[-1] < 0.5 < math.log(7)
    assert curve.test_loss[:-1] == [None] * (UNITS - 1)
    assert curve.test_loss[-1] == pytest.approx(curve.loss[-1], abs=0.1)
    assert np.all(np.diff(curve.cost) > 0)


def test_the_last_loss_is_that_of_all_windows() -> None:
    training = trained()
    assert training.curve.loss[-1] == training._score(training._problem.validation)
    assert training.curve.loss[-1] != training._validate()


def test_training_on_from_a_state_changes_nothing() -> None:
    whole = trained(seed=3)
    begun = trained(1, seed=3)
    fresh = LanguageTraining(problem(), CONFIG, 3)
    fresh.restore(begun.state())
    fresh.advance(UNITS)
    assert fresh.curve.loss == whole.curve.loss
    assert fresh.curve.test_loss == whole.curve.test_loss
    assert fresh.train_loss == whole.train_loss


def test_the_seed_decides_and_nothing_else() -> None:
    first = trained(1)
    torch.manual_seed(99)
    assert trained(1).curve.loss == first.curve.loss
    assert trained(1, seed=1).curve.loss != first.curve.loss


def test_between_is_called_after_each_unit_outside_the_clock() -> None:
    calls: list[float] = []
    training = LanguageTraining(problem(), CONFIG, 0, lambda: calls.append(training.spent))
    training.advance(2)
    assert calls == training.curve.cost


def test_a_training_that_diverges_is_charged() -> None:
    made = problem()
    training = LanguageTraining(made, CONFIG | {"learning_rate": 1e30, "warmup": 0.0}, 0)
    with pytest.raises(DivergedError, match="loss was"):
        training.advance(UNITS)
    assert training.spent > 0
    assert training.done < UNITS


def test_the_rate_warms_up_and_ends_at_its_final_share() -> None:
    rates = [learning_rate(CONFIG, step, 100) for step in range(100)]
    assert rates[0] == pytest.approx(0.01 / 21)
    assert np.argmax(rates) == 20
    assert rates[20] == pytest.approx(0.01)
    assert rates[-1] == pytest.approx(0.001)
    assert np.all(np.diff(rates[:21]) > 0)
    assert np.all(np.diff(rates[20:]) < 0)


@pytest.mark.parametrize("warmup", [0.0, 0.3])
@pytest.mark.parametrize("steps", [27, 540])
def test_rates_stay_within_their_bounds(warmup: float, steps: int) -> None:
    config = CONFIG | {"warmup": warmup, "final_rate": 1.0}
    rates = [learning_rate(config, step, steps) for step in range(steps)]
    assert 0 < min(rates) <= max(rates) <= 0.01 * (1 + 1e-12)


def test_no_token_sees_what_comes_after_it() -> None:
    torch.manual_seed(0)
    network = Transformer(7, CONTEXT, 64, 2, 0.0).eval()
    tokens = torch.arange(CONTEXT)[None] % 7
    changed = tokens.clone()
    changed[0, -1] = (changed[0, -1] + 1) % 7
    with torch.no_grad():
        first, second = network(tokens), network(changed)
    torch.testing.assert_close(first[:, :-1], second[:, :-1])
    assert not torch.allclose(first[:, -1], second[:, -1])


def test_an_untrained_network_guesses() -> None:
    training = LanguageTraining(problem(), CONFIG, 0)
    assert training._validate() == pytest.approx(math.log(7), abs=0.2)
