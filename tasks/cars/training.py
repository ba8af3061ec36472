"""Training on Stanford Cars, following the talk's code.

The code is sigopt/sigopt-examples, ``stanford-car-classification``, commit d0b762b: cross entropy;
SGD with momentum (optionally Nesterov's) and weight decay; the learning rate is multiplied by a
factor whenever the training loss has not fallen for some epochs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.core.arrays import Rows
from tasks.training.network_training import NetworkTraining
from tasks.training.training import DivergedError

SCORED = 256
"""batch size of scoring, in photos"""
LOOK_EVERY = 20
"""steps between checks for divergence; each check synchronises the GPU"""


class Inputs(Protocol):
    """Inputs of the network: ``Features`` or ``Pixels``."""

    def batch(self, rows: Rows, rng: np.random.Generator | None) -> torch.Tensor:
        """Return the inputs of some photos, on the device; augmented if ``rng`` is not None."""
        ...


@dataclass(frozen=True)
class Problem:
    """Data, splits, network and device, which are the same for all configs."""

    inputs: Inputs
    labels: torch.Tensor
    """classes of all photos, int64, on the device"""
    train: Rows
    validation: Rows
    test: Rows
    """may be empty"""
    network: Callable[[], nn.Module]
    """builds a network; initial weights are drawn from torch's global random state"""
    device: torch.device
    precision: str = "float32"
    """``float32``, or ``bfloat16`` for forward passes in mixed precision"""
    augmented_validation: bool = False
    """augment validation photos like training photos, as the talk's code does"""


class CarsTraining(NetworkTraining):
    """Train one config on Stanford Cars; a unit is an epoch.

    The seed fixes the initial weights, the order of the photos and their augmentation.
    """

    _problem: Problem

    def _build_network(self) -> nn.Module:
        return self._problem.network().to(self._problem.device)

    def _build_optimiser(self) -> torch.optim.Optimizer:
        momentum = float(self._config["momentum"])
        optimiser = torch.optim.SGD(
            [p for p in self._network.parameters() if p.requires_grad],
            lr=float(self._config["learning_rate"]),
            momentum=momentum,
            weight_decay=float(self._config["weight_decay"]),
            nesterov=bool(self._config["nesterov"])
            and momentum > 0,  # torch rejects Nesterov at momentum 0
        )
        self._scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimiser,
            factor=float(self._config["scheduler_factor"]),
            patience=int(self._config["scheduler_patience"]),
        )
        return optimiser

    def _parts(self) -> Mapping[str, Any]:
        return {**super()._parts(), "scheduler": self._scheduler}

    def predictions(self, rows: Rows) -> NDArray[np.int64]:
        """Return predicted classes of some photos, without augmentation; shape ``(len(rows),)``."""
        return self._predict(rows, None)

    def _train_unit(self) -> float:
        mean = self._train_epoch()
        self._scheduler.step(mean)
        return mean

    def _validate(self) -> float:
        return self._error(self._problem.validation, self._problem.augmented_validation)

    def _judge(self, loss: float, last: bool, every_test: bool) -> tuple[float, float | None]:
        test = self._problem.test
        scored = len(test) > 0 and (every_test or last)
        return loss, self._error(test, False) if scored else None

    def _train_epoch(self) -> float:
        problem, batch = self._problem, int(self._config["batch_size"])
        total, steps = 0.0, 0
        self._network.train()
        order = self._rng.permutation(problem.train)
        if len(order) % batch == 1:  # batch normalisation needs two photos
            order = order[:-1]
        running = torch.zeros((), device=problem.device)
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            inputs = problem.inputs.batch(rows, self._rng)
            with self._autocast():
                logits = self._network(inputs)
                loss = nn.functional.cross_entropy(logits.float(), problem.labels[rows])
            self._optimiser.zero_grad()
            loss.backward()
            self._optimiser.step()
            running += loss.detach()
            steps += 1
            if steps % LOOK_EVERY == 0 or start + batch >= len(order):
                total += float(running)
                running.zero_()
                if not math.isfinite(total):
                    raise DivergedError(f"the training loss was {total} in epoch {self.done + 1}")
        return total / steps

    def _error(self, rows: Rows, augmented: bool) -> float:
        predicted = self._predict(rows, self._rng if augmented else None)
        return float(np.mean(predicted != self._problem.labels[rows].cpu().numpy()))

    @torch.no_grad()
    def _predict(self, rows: Rows, rng: np.random.Generator | None) -> NDArray[np.int64]:
        self._network.eval()
        predicted = []
        for start in range(0, len(rows), SCORED):
            inputs = self._problem.inputs.batch(rows[start : start + SCORED], rng)
            with self._autocast():
                logits = self._network(inputs)
            if not torch.isfinite(logits).all():  # the last step may diverge
                raise DivergedError(f"the network's output is not finite in epoch {self.done + 1}")
            predicted.append(logits.argmax(dim=1))
        return np.asarray(torch.cat(predicted).cpu().numpy(), dtype=np.int64)

    def _autocast(self) -> Any:
        mixed = self._problem.precision == "bfloat16"
        return torch.autocast(self._problem.device.type, dtype=torch.bfloat16, enabled=mixed)
