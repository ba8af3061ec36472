from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tasks.convolutional_net.training import (  # noqa: E402
    Images,
    ImageTraining,
    Problem,
    learning_rate,
    network,
    shifted,
)
from tasks.training.training import DivergedError  # noqa: E402

EPOCHS, CLASSES = 3, 4
CONFIG: dict[str, Any] = {
    "learning_rate": 0.1,
    "momentum": 0.9,
    "weight_decay": 1e-4,
    "batch_size": 16,
    "channels": 8,
    "dropout": 0.2,
    "label_smoothing": 0.1,
    "shift": 1,
}


def images(count: int, seed: int) -> Images:
    """One bright quarter a class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % CLASSES
    pixels = 0.3 * rng.standard_normal((count, 1, 28, 28))
    for row, label in enumerate(labels):
        top, left = 14 * (label // 2), 14 * (label % 2)
        pixels[row, 0, top : top + 14, left : left + 14] += 1
    return Images(torch.tensor(pixels, dtype=torch.float32), torch.from_numpy(labels))


def problem() -> Problem:
    return Problem(images(96, 0), images(12, 1), images(40, 2), images(36, 3), CLASSES, EPOCHS)


def trained(epochs: int = EPOCHS, seed: int = 0, **changed: Any) -> ImageTraining:
    training = ImageTraining(problem(), CONFIG | changed, seed)
    training.advance(epochs)
    return training


def test_it_learns_and_scores_the_test_images_at_the_end_only() -> None:
    curve = trained().curve
    assert curve.loss[-1] < 0.2
    assert curve.test_loss[:-1] == [None] * (EPOCHS - 1)
    assert curve.test_loss[-1] is not None
    assert curve.test_loss[-1] < 0.2


def test_the_last_loss_is_that_of_all_validation_images() -> None:
    training = trained(momentum=0.0, learning_rate=0.005)
    assert training.curve.loss[-1] == training._score(training._problem.validation)
    assert (40 * training.curve.loss[-1]).is_integer()
    assert all((12 * loss).is_integer() for loss in training.curve.loss[:-1])


def test_training_on_from_a_state_changes_nothing() -> None:
    whole, begun = trained(seed=3), trained(1, seed=3)
    fresh = ImageTraining(problem(), CONFIG, 3)
    fresh.restore(begun.state())
    fresh.advance(EPOCHS)
    assert fresh.curve.loss == whole.curve.loss
    assert fresh.train_loss == whole.train_loss


def test_the_seed_decides_and_nothing_else() -> None:
    first = trained(1)
    torch.manual_seed(99)
    assert trained(1).train_loss == first.train_loss
    assert trained(1, seed=1).train_loss != first.train_loss


def test_a_training_that_diverges_is_charged() -> None:
    training = ImageTraining(problem(), CONFIG | {"learning_rate": 1e30}, 0)
    with pytest.raises(DivergedError, match="in epoch 1"):
        training.advance(EPOCHS)
    assert training.spent > 0


def test_the_rate_falls_along_half_a_cosine() -> None:
    rates = [learning_rate(CONFIG, passed) for passed in (0.0, 0.5, 1.0)]
    assert rates == [pytest.approx(rate, abs=1e-12) for rate in (0.1, 0.05, 0.0)]


def test_images_move_by_up_to_so_many_pixels() -> None:
    image = torch.zeros(200, 1, 9, 9)
    image[:, 0, 4, 4] = 1
    moved = shifted(image, 2, np.random.default_rng(0))
    assert moved.shape == image.shape
    places = moved[:, 0].nonzero()
    assert len(places) == 200
    for axis in (1, 2):
        assert set((places[:, axis] - 4).tolist()) == {-2, -1, 0, 1, 2}
    assert shifted(image, 0, np.random.default_rng(0)) is image


def test_the_border_is_filled_with_the_background() -> None:
    image = torch.full((50, 1, 6, 6), 3.0)
    image[0, 0, 0, 0] = -0.5
    assert set(shifted(image, 1, np.random.default_rng(0)).unique().tolist()) == {-0.5, 3.0}


def test_each_block_has_twice_the_channels_of_the_one_before() -> None:
    made = network(8, 0.0, 10)
    widths = [layer.out_channels for layer in made if isinstance(layer, torch.nn.Conv2d)]
    assert widths == [8, 16, 32]
    assert made.eval()(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
