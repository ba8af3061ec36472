"""Training on Stanford Cars, epoch by epoch, after the talk's code (papers.md 7.3).

Cross entropy; SGD with momentum, Nesterov's or not, and weight decay; the learning rate is
multiplied by a factor whenever the training loss has not fallen for some epochs.
"""

from __future__ import annotations

import contextlib
import copy
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

Rows = NDArray[np.int64]
SCORED = 256
"""photos scored at a time"""
LOOK_EVERY = 20
"""steps after which the loss is looked at: each look waits for a GPU"""


class Inputs(Protocol):
    """What the network is fed."""

    def batch(self, rows: Rows, rng: np.random.Generator | None) -> torch.Tensor:
        """Inputs of some photos, on the device; augmented if an rng is given."""
        ...


@dataclass(frozen=True)
class Problem:
    """What all configs share: data, splits, network and device."""

    inputs: Inputs
    labels: torch.Tensor
    """of all photos, int64, on the device"""
    train: Rows
    validation: Rows
    test: Rows
    """may be empty"""
    network: Callable[[], nn.Module]
    """builds a network in its initial state; draws from torch's global random state"""
    device: torch.device
    precision: str = "float32"
    """``bfloat16``: forward passes in mixed precision"""
    augmented_validation: bool = False
    """validation photos are augmented as training photos are (what the talk's code does)"""


@dataclass
class Curve:
    """What is known after each epoch; lists of equal length."""

    loss: list[float] = field(default_factory=list)
    """validation error"""
    test_loss: list[float | None] = field(default_factory=list)
    """test error of the same network; None where it was not scored"""
    cost: list[float] = field(default_factory=list)
    """seconds charged since the first epoch began: training and validation, not the test"""


class DivergedError(Exception):
    """The training loss is not a number any more."""


class Training:
    """One config in training. ``advance`` goes on from where it stands."""

    def __init__(self, problem: Problem, config: Mapping[str, Any], seed: int) -> None:
        """``config`` has the seven hyperparameters of the talk; ``seed`` fixes the initial
        weights, the order of the photos and their augmentation.
        """
        self._problem, self._seed = problem, seed
        self._batch = int(config["batch_size"])
        self._rng = np.random.default_rng([seed, 2])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._network = problem.network().to(problem.device)
        trained = [p for p in self._network.parameters() if p.requires_grad]
        momentum = float(config["momentum"])
        self._optimiser = torch.optim.SGD(
            trained,
            lr=float(config["learning_rate"]),
            momentum=momentum,
            weight_decay=float(config["weight_decay"]),
            nesterov=bool(config["nesterov"]) and momentum > 0,  # without momentum they are equal
        )
        self._scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
            self._optimiser,
            factor=float(config["scheduler_factor"]),
            patience=int(config["scheduler_patience"]),
        )
        self.curve = Curve()
        self.train_loss: list[float] = []
        """mean cross entropy of the epoch's batches"""
        self.spent = 0.0
        """seconds charged since the first epoch began, of an epoch that diverged, too"""

    @property
    def epoch(self) -> int:
        """Epochs trained."""
        return len(self.curve.loss)

    def advance(self, epochs: int, every_test: bool = False) -> None:
        """Train until ``epochs`` are trained in all.

        The test photos are scored after the last epoch or, with ``every_test``, after each.

        Raises:
            DivergedError: the loss became NaN or infinite; ``spent`` counts what it took.
        """
        while self.epoch < epochs:
            started = self._clock()
            try:
                with self._seeded():
                    mean = self._train_epoch()
                self._scheduler.step(mean)
                loss = self._error(self._problem.validation, self._problem.augmented_validation)
            finally:
                self.spent += self._clock() - started
            test = self._problem.test
            scored = len(test) > 0 and (every_test or self.epoch + 1 == epochs)
            self.train_loss.append(mean)
            self.curve.cost.append(self.spent)
            self.curve.test_loss.append(self._error(test, False) if scored else None)
            self.curve.loss.append(loss)  # last: its length is the number of epochs

    def state(self) -> dict[str, Any]:
        """Everything needed to go on later, or elsewhere; a copy."""
        return copy.deepcopy({
            "network": self._network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "scheduler": self._scheduler.state_dict(),
            "rng": self._rng.bit_generator.state,
            "curve": vars(self.curve),
            "train_loss": self.train_loss,
            "spent": self.spent,
        })  # fmt: skip

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back, or on, to what ``state`` gave."""
        self._network.load_state_dict(state["network"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._scheduler.load_state_dict(state["scheduler"])
        self._rng.bit_generator.state = state["rng"]
        self.curve = Curve(**copy.deepcopy(state["curve"]))
        self.train_loss, self.spent = list(state["train_loss"]), state["spent"]

    def predictions(self, rows: Rows) -> NDArray[np.int64]:
        """Predicted classes of some photos, not augmented; shape ``(len(rows),)``."""
        return self._predict(rows, None)

    def _train_epoch(self) -> float:
        problem, total, steps = self._problem, 0.0, 0
        self._network.train()
        order = self._rng.permutation(problem.train)
        if len(order) % self._batch == 1:  # batch normalisation needs two
            order = order[:-1]
        running = torch.zeros((), device=problem.device)
        for start in range(0, len(order), self._batch):
            rows = order[start : start + self._batch]
            inputs = problem.inputs.batch(rows, self._rng)
            with self._autocast():
                logits = self._network(inputs)
                loss = nn.functional.cross_entropy(logits.float(), problem.labels[rows])
            self._optimiser.zero_grad()
            loss.backward()
            self._optimiser.step()
            running += loss.detach()
            steps += 1
            if steps % LOOK_EVERY == 0 or start + self._batch >= len(order):
                total += float(running)
                running.zero_()
                if not math.isfinite(total):
                    raise DivergedError(f"the training loss was {total} in epoch {self.epoch + 1}")
        return total / steps

    def _error(self, rows: Rows, augmented: bool) -> float:
        predicted = self._predict(rows, self._rng if augmented else None)
        return float(np.mean(predicted != self._problem.labels[rows].cpu().numpy()))

    @torch.no_grad()
    def _predict(self, rows: Rows, rng: np.random.Generator | None) -> NDArray[np.int64]:
        self._network.eval()
        found = []
        for start in range(0, len(rows), SCORED):
            inputs = self._problem.inputs.batch(rows[start : start + SCORED], rng)
            with self._autocast():
                logits = self._network(inputs)
            if not torch.isfinite(logits).all():  # after the last step, which no loss has seen
                raise DivergedError(f"the network's output is not finite in epoch {self.epoch + 1}")
            found.append(logits.argmax(dim=1))
        return np.asarray(torch.cat(found).cpu().numpy(), dtype=np.int64)

    @contextlib.contextmanager
    def _seeded(self) -> Iterator[None]:
        """What a network itself draws (dropout) depends on the seed and the epoch alone."""
        with torch.random.fork_rng():
            torch.manual_seed(1000 * self._seed + self.epoch + 1)
            yield

    def _autocast(self) -> Any:
        mixed = self._problem.precision == "bfloat16"
        return torch.autocast(self._problem.device.type, dtype=torch.bfloat16, enabled=mixed)

    def _clock(self) -> float:
        """Seconds: CPU time of this process, or wall time where a GPU does the work."""
        if self._problem.device.type != "cuda":
            return time.process_time()
        torch.cuda.synchronize(self._problem.device)
        return time.perf_counter()
