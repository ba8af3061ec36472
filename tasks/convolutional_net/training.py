"""Training of the convolutional network: SGD with momentum, cosine decay over all epochs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from tasks.training.network_training import CPU, SubsetTraining
from tasks.training.training import DivergedError

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
    units: int
    """number of epochs of a full training"""
    device: torch.device = CPU


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


class ImageTraining(SubsetTraining):
    """Train one config; a unit is an epoch."""

    _problem: Problem

    def _build_network(self) -> nn.Module:
        channels, dropout = int(self._config["channels"]), float(self._config["dropout"])
        return network(channels, dropout, self._problem.classes)

    def _build_optimiser(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(
            self._network.parameters(),
            lr=float(self._config["learning_rate"]),
            momentum=float(self._config["momentum"]),
            weight_decay=float(self._config["weight_decay"]),
        )

    def _train_unit(self) -> float:
        train, batch = self._problem.train, int(self._config["batch_size"])
        self._network.train()
        order = self._rng.permutation(len(train.labels))
        starts = range(0, len(order), batch)
        steps, total = len(starts), 0.0
        for step, start in enumerate(starts):
            rows = order[start : start + batch]
            images = shifted(train.pixels[rows], int(self._config["shift"]), self._rng)
            loss = nn.functional.cross_entropy(
                self._network(images),
                train.labels[rows],
                label_smoothing=float(self._config["label_smoothing"]),
            )
            passed = (self.done * steps + step) / (self._problem.units * steps)
            rate = learning_rate(self._config, passed)
            total += self._descend(loss, rate, f"epoch {self.done + 1}")
        return total / steps

    @torch.no_grad()
    def _score(self, part: Images) -> float:
        """Return the error rate."""
        self._network.eval()
        wrong = 0
        for start in range(0, len(part.labels), SCORED):
            logits = self._network(part.pixels[start : start + SCORED])
            if not torch.isfinite(logits).all():  # the last step may diverge
                raise DivergedError(f"the network's output is not finite in epoch {self.done + 1}")
            wrong += int((logits.argmax(dim=1) != part.labels[start : start + SCORED]).sum())
        return wrong / len(part.labels)


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
