"""One config in training: unit after unit (an epoch, or a share of the optimiser's steps)."""

from __future__ import annotations

import contextlib
import copy
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch


@dataclass
class Curve:
    """What is known after each unit; lists of equal length."""

    loss: list[float] = field(default_factory=list)
    """validation loss"""
    test_loss: list[float | None] = field(default_factory=list)
    """test loss of the same network; None where it was not scored"""
    cost: list[float] = field(default_factory=list)
    """seconds charged since the first unit began: training and validation, not the test"""


class DivergedError(Exception):
    """The training loss, or the network's output, is not a finite number any more."""


class Training(ABC):
    """Train one config. ``advance`` goes on from where the training stands.

    A subclass builds network and optimiser from the config and the seed, and says how one unit is
    trained and how the network is judged.
    """

    def __init__(
        self, seed: int, device: torch.device, between: Callable[[], object] | None = None
    ) -> None:
        """``seed`` fixes initial weights and the order of examples; ``between`` is called after
        each unit, outside the clock.
        """
        self._seed, self._device, self._between = seed, device, between
        self._rng = np.random.default_rng([seed, 2])
        self.curve = Curve()
        self.train_loss: list[float] = []
        """mean training loss of each unit"""
        self.spent = 0.0
        """seconds charged since the first unit began, of a unit that diverged, too"""

    @abstractmethod
    def _train_unit(self) -> float:
        """Train one unit; return its mean training loss. Charged.

        Raises:
            DivergedError: the loss is not finite.
        """

    @abstractmethod
    def _validate(self) -> float:
        """Return the validation loss that is charged: of all rows, or of a fixed subset."""

    def _judge(self, loss: float, last: bool, every_test: bool) -> tuple[float, float | None]:
        """Return the validation and test loss to report, given the charged one. Not charged.

        ``last`` is True after the last unit of the request.
        """
        del last, every_test
        return loss, None

    @abstractmethod
    def _parts(self) -> Mapping[str, Any]:
        """Return what has a ``state_dict``: network, optimiser, scheduler."""

    @property
    def done(self) -> int:
        """Units trained."""
        return len(self.curve.loss)

    def advance(self, units: int, every_test: bool = False) -> None:
        """Train until ``units`` are trained in all.

        Args:
            units: how many.
            every_test: score the test rows after each unit, not only at the end.

        Raises:
            DivergedError: a loss became NaN or infinite; ``spent`` counts what it took.
        """
        while self.done < units:
            started = self._clock()
            try:
                with self._seeded():
                    mean = self._train_unit()
                loss = self._validate()
            finally:
                self.spent += self._clock() - started
            loss, test_loss = self._judge(loss, self.done + 1 == units, every_test)
            self.train_loss.append(mean)
            self.curve.cost.append(self.spent)
            self.curve.test_loss.append(test_loss)
            self.curve.loss.append(loss)  # last: its length is the number of units
            if self._between is not None:
                self._between()

    def state(self) -> dict[str, Any]:
        """Return a copy of everything that is needed to go on later, or elsewhere."""
        return copy.deepcopy({
            **{name: part.state_dict() for name, part in self._parts().items()},
            "rng": self._rng.bit_generator.state,
            "curve": vars(self.curve),
            "train_loss": self.train_loss,
            "spent": self.spent,
        })  # fmt: skip

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back, or on, to what ``state`` gave."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self._rng.bit_generator.state = state["rng"]
        self.curve = Curve(**copy.deepcopy(state["curve"]))
        self.train_loss, self.spent = list(state["train_loss"]), state["spent"]

    @contextlib.contextmanager
    def _seeded(self) -> Iterator[None]:
        """Let what the network itself draws (dropout) depend on the seed and the unit alone."""
        with torch.random.fork_rng():
            torch.manual_seed(1000 * self._seed + self.done + 1)
            yield

    def _clock(self) -> float:
        """Seconds: CPU time of this process, or wall time where a GPU does the work."""
        if self._device.type != "cuda":
            return time.process_time()
        torch.cuda.synchronize(self._device)
        return time.perf_counter()
