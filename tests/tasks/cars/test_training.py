from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tasks.cars.training import CarsTraining, Problem  # noqa: E402
from tasks.training.training import DivergedError  # noqa: E402

CONFIG = {
    "learning_rate": 0.1,
    "scheduler_factor": 0.5,
    "scheduler_patience": 5,
    "batch_size": 16,
    "nesterov": False,
    "weight_decay": 1.2e-5,
    "momentum": 0.5,
}
CLASSES, WIDTH = 4, 6


class Clouds:
    """Points around one centre a class; augmented ones are moved a little."""

    def __init__(self, labels: Any, scale: float) -> None:
        rng = np.random.default_rng(0)
        centres = rng.standard_normal((CLASSES, WIDTH))
        self.points = scale * (centres[labels] + 0.7 * rng.standard_normal((len(labels), WIDTH)))
        self.augmented = 0

    def batch(self, rows: Any, rng: np.random.Generator | None) -> Any:
        self.augmented += rng is not None
        moved = 0.0 if rng is None else 0.01 * rng.standard_normal((len(rows), WIDTH))
        return torch.tensor(self.points[rows] + moved, dtype=torch.float32)


def problem(scale: float = 1.0, **options: Any) -> Problem:
    labels = np.arange(160) % CLASSES
    parts = np.arange(80), np.arange(80, 120), np.arange(120, 160)

    def network() -> Any:
        return torch.nn.Linear(WIDTH, CLASSES)

    inputs = Clouds(labels, scale)
    device = torch.device("cpu")
    return Problem(inputs, torch.tensor(labels), *parts, network, device, **options)


def trained(epochs: int = 3, seed: int = 0, scale: float = 1.0, **changed: Any) -> CarsTraining:
    training = CarsTraining(problem(scale), CONFIG | changed, seed)
    training.advance(epochs)
    return training


def test_it_learns_and_charges_every_epoch() -> None:
    training = trained(epochs=8)
    curve = training.curve
    assert training.done == len(curve.loss) == len(curve.cost) == 8
    assert curve.loss[-1] < 0.4 < 0.75  # three in four would be wrong by chance
    assert training.train_loss[-1] < training.train_loss[0]
    assert all(later > earlier for earlier, later in zip(curve.cost, curve.cost[1:], strict=False))
    assert curve.cost[-1] == training.spent


def test_the_test_photos_are_scored_after_the_last_epoch_or_after_each() -> None:
    assert [loss is None for loss in trained(3).curve.test_loss] == [True, True, False]
    training = CarsTraining(problem(), CONFIG, 0)
    training.advance(3, every_test=True)
    assert None not in training.curve.test_loss


def test_the_same_seed_gives_the_same_network_and_another_another() -> None:
    first, again, other = (trained(seed=seed, momentum=0.9) for seed in (0, 0, 1))
    assert first.train_loss == again.train_loss
    assert first.curve.loss == again.curve.loss
    assert first.train_loss != other.train_loss


def test_torchs_own_random_state_is_left_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    trained()
    assert torch.equal(torch.rand(3), expected)


def test_going_on_is_the_same_as_never_having_stopped() -> None:
    whole = trained(6, momentum=0.9, scheduler_patience=1)
    part = trained(2, momentum=0.9, scheduler_patience=1)
    state = part.state()
    part.advance(4)  # must not change what was kept
    fresh = CarsTraining(problem(), CONFIG | {"momentum": 0.9, "scheduler_patience": 1}, 0)
    fresh.restore(state)
    assert fresh.done == 2
    fresh.advance(6)
    assert fresh.train_loss == whole.train_loss
    assert fresh.curve.loss == whole.curve.loss
    assert fresh.curve.cost[:2] == state["curve"]["cost"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("learning_rate", 0.01),
        ("batch_size", 32),
        ("weight_decay", 0.5),
        ("momentum", 0.9),
        ("nesterov", True),
    ],
)
def test_every_option_of_the_optimiser_matters(name: str, value: Any) -> None:
    assert trained().train_loss != trained(**{name: value}).train_loss


def test_nesterov_is_really_applied_and_needs_momentum() -> None:
    """The talk's code passed the text "False", which is true."""
    with_it, without = (trained(nesterov=n, momentum=0.0) for n in (True, False))
    assert with_it.train_loss == without.train_loss
    training = CarsTraining(problem(), CONFIG | {"nesterov": True}, 0)
    assert training._optimiser.param_groups[0]["nesterov"] is True


def test_the_learning_rate_falls_on_a_plateau_of_the_training_loss() -> None:
    """So it does at a rate too large to make progress; a factor of 0 then ends all learning."""
    options = {"scheduler_patience": 2, "scheduler_factor": 0.0, "learning_rate": 1.0}
    training = CarsTraining(problem(scale=50.0), CONFIG | options | {"momentum": 0.9}, 0)
    rates = []
    while training.done < 40 and 0.0 not in rates:
        training.advance(training.done + 1)
        rates.append(training._optimiser.param_groups[0]["lr"])
    losses = training.train_loss
    assert rates == [1.0] * (len(rates) - 1) + [0.0]
    assert min(losses[-3:]) > 0.9999 * min(losses[:-3])  # three epochs without progress
    before = training.state()["network"]
    training.advance(training.done + 2)
    after = training.state()["network"]
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_diverged_training_ends_early_with_what_it_took() -> None:
    training = CarsTraining(problem(scale=1e25), CONFIG | {"learning_rate": 1.0}, 0)
    with pytest.raises(DivergedError, match="in epoch 1"):
        training.advance(30)
    assert training.done == 0
    assert training.spent > 0


@pytest.mark.parametrize("augmented", [False, True])
def test_validation_is_augmented_only_where_the_protocol_says_so(augmented: bool) -> None:
    made = problem(augmented_validation=augmented)
    CarsTraining(made, CONFIG, 0).advance(1)
    training_batches = math.ceil(80 / 16)
    assert made.inputs.augmented == training_batches + augmented  # type: ignore[attr-defined]


def test_mixed_precision_trains_too() -> None:
    training = CarsTraining(problem(precision="bfloat16"), CONFIG, 0)
    training.advance(4)
    assert training.curve.loss[-1] < 0.5
    assert training.train_loss != trained(4).train_loss


def test_predictions_are_classes_of_the_rows_asked_for() -> None:
    training = trained(8)
    rows = training._problem.test
    wrong = np.mean(training.predictions(rows) != np.arange(160)[rows] % CLASSES)
    assert wrong == training.curve.test_loss[-1]
