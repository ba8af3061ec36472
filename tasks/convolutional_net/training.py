"""Training of the convolutional network: SGD with momentum, cosine decay over all epochs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from tasks.training.training import DivergedError, Training

BLOCKS = 3
SCORED = 500
"""batch size of scoring, in images"""


@dataclass(frozen=True)
class Images:
    """Standardised images, shape ``(n, 1, 28, 28)``, and their labels, shape ``(n,)``."""

    pixels: torch.Tensor
    labels: torch.Tensor


@dataclass(frozen=True)
class Problem:
    """Data and lengths that are the same for all configs."""

    train: Images
    subset: Images
    """validation images scored after each epoch"""
    validation: Images
    """all validation images, scored after the last epoch"""
    test: Images
    classes: int
    epochs: int
    """number of epochs of a full training"""


def network(channels: int, dropout: float, classes: int) -> nn.Module:
    """Build a network of blocks of 3 x 3 convolution with stride 2, batch norm and ReLU.

    Block ``b`` (from 0) has ``channels * 2^b`` channels. After the blocks come global average
    pooling, dropout and a linear layer. Weights are drawn from torch's global random state.
    """
    layers: list[nn.Module] = []
    before = 1
    for block in range(BLOCKS):
        width = channels * 2**block
        layers += [
            nn.Conv2d(before, width, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        ]
        before = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout)]
    made = nn.Sequential(*layers, nn.Linear(before, classes))
    # on a CPU, channels last is 1.2 to 2 times faster than channels first
    return made.to(memory_format=torch.channels_last)


class ImageTraining(Training):
    """Train one config; a unit is an epoch."""

    def __init__(
        self,
        problem: Problem,
        config: Mapping[str, Any],
        seed: int,
        between: Callable[[], object] | None = None,
    ) -> None:
        """Build network and optimiser; ``between`` is as in ``Training``."""
        super().__init__(seed, torch.device("cpu"), between)
        self._problem, self._config = problem, config
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._network = network(
                int(config["channels"]), float(config["dropout"]), problem.classes
            )
        self._optimiser = torch.optim.SGD(
            self._network.parameters(),
            lr=float(config["learning_rate"]),
            momentum=float(config["momentum"]),
            weight_decay=float(config["weight_decay"]),
        )

    def _parts(self) -> Mapping[str, Any]:
        return {"network": self._network, "optimiser": self._optimiser}

    def _train_unit(self) -> float:
        train, batch = self._problem.train, int(self._config["batch_size"])
        self._network.train()
        order = self._rng.permutation(len(train.labels))
        starts = range(0, len(order), batch)
        steps, total = len(starts), 0.0
        for step, start in enumerate(starts):
            rows = order[start : start + batch]
            images = shifted(train.pixels[rows], int(self._config["shift"]), self._rng)
            passed = (self.done * steps + step) / (self._problem.epochs * steps)
            for group in self._optimiser.param_groups:
                group["lr"] = learning_rate(self._config, passed)
            loss = nn.functional.cross_entropy(
                self._network(images),
                train.labels[rows],
                label_smoothing=float(self._config["label_smoothing"]),
            )
            value = float(loss.detach())
            if not math.isfinite(value):
                raise DivergedError(f"the training loss was {value} in epoch {self.done + 1}")
            total += value
            self._optimiser.zero_grad()
            loss.backward()
            self._optimiser.step()
        return total / steps

    def _validate(self) -> float:
        return self._error(self._problem.subset)

    def _judge(self, loss: float, last: bool, every_test: bool) -> tuple[float, float | None]:
        if self.done + 1 < self._problem.epochs:
            return loss, None
        return self._error(self._problem.validation), self._error(self._problem.test)

    @torch.no_grad()
    def _error(self, images: Images) -> float:
        """Return the error rate on ``images``."""
        self._network.eval()
        wrong = 0
        for start in range(0, len(images.labels), SCORED):
            logits = self._network(images.pixels[start : start + SCORED])
            if not torch.isfinite(logits).all():  # the last step may diverge
                raise DivergedError(f"the network's output is not finite in epoch {self.done + 1}")
            wrong += int((logits.argmax(dim=1) != images.labels[start : start + SCORED]).sum())
        return wrong / len(images.labels)


def learning_rate(config: Mapping[str, Any], passed: float) -> float:
    """Return the learning rate after a share ``passed`` of all steps: cosine decay to 0."""
    return float(config["learning_rate"]) * 0.5 * (1 + math.cos(math.pi * passed))


def shifted(images: torch.Tensor, most: int, rng: np.random.Generator) -> torch.Tensor:
    """Shift each image by up to ``most`` pixels, vertically and horizontally at random.

    New pixels at the border get the darkest value of the batch, which is the background.
    """
    if most == 0:
        return images
    count, _, height, width = images.shape
    darkest = float(images.min())
    padded = nn.functional.pad(images[:, 0], (most, most, most, most), value=darkest)
    down, right = rng.integers(0, 2 * most + 1, size=(2, count))
    rows = torch.from_numpy(down[:, None] + np.arange(height))
    columns = torch.from_numpy(right[:, None] + np.arange(width))
    moved = padded[torch.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]
    return moved[:, None]
