"""Training of one config, unit by unit; a unit is an epoch or a number of optimiser steps."""

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
    """Learning curve: values after each unit, in lists of equal length."""

    loss: list[float] = field(default_factory=list)
    """validation loss"""
    test_loss: list[float | None] = field(default_factory=list)
    """test loss of the same network; None if it was not scored"""
    cost: list[float] = field(default_factory=list)
    """cumulative seconds charged: training and validation, not the test"""


class DivergedError(Exception):
    """The training loss or the network's output is NaN or infinite."""


class Training(ABC):
    """Train one config; each call of ``advance`` continues the training.

    A subclass builds network and optimiser from config and seed, and implements the training of
    one unit and the scoring of the network.
    """

    def __init__(
        self, seed: int, device: torch.device, between: Callable[[], object] | None = None
    ) -> None:
        """Set up an untrained state.

        Args:
            seed: training seed; fixes initial weights and the order of examples.
            device: device that trains.
            between: called after each unit; its time is not charged.
        """
        self._seed, self._device, self._between = seed, device, between
        self._rng = np.random.default_rng([seed, 2])
        self.curve = Curve()
        self.train_loss: list[float] = []
        """mean training loss of each unit"""
        self.spent = 0.0
        """cumulative seconds charged, including a unit that diverged"""

    @abstractmethod
    def _train_unit(self) -> float:
        """Train one unit and return its mean training loss; its time is charged.

        Raises:
            DivergedError: the loss is NaN or infinite.
        """

    @abstractmethod
    def _validate(self) -> float:
        """Return the validation loss on all rows or on a fixed subset; its time is charged."""

    def _judge(self, loss: float, last: bool, every_test: bool) -> tuple[float, float | None]:
        """Return the validation and test loss to report; its time is not charged.

        Args:
            loss: validation loss from ``_validate``.
            last: True after the last unit of the request.
            every_test: score the test rows after each unit.
        """
        del last, every_test
        return loss, None

    @abstractmethod
    def _parts(self) -> Mapping[str, Any]:
        """Return the parts with a ``state_dict``, by name: network, optimiser, scheduler."""

    @property
    def done(self) -> int:
        """Number of units trained."""
        return len(self.curve.loss)

    def advance(self, units: int, every_test: bool = False) -> None:
        """Train until ``units`` units have been trained since the start.

        Args:
            units: total number of units.
            every_test: score the test rows after each unit, not only after the last.

        Raises:
            DivergedError: a loss became NaN or infinite; ``spent`` includes the seconds until then.
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
            self.curve.loss.append(loss)  # appended last, since ``done`` is its length
            if self._between is not None:
                self._between()

    def state(self) -> dict[str, Any]:
        """Return a copy of the state needed to continue the training, e.g. in another process."""
        return copy.deepcopy({
            **{name: part.state_dict() for name, part in self._parts().items()},
            "rng": self._rng.bit_generator.state,
            "curve": vars(self.curve),
            "train_loss": self.train_loss,
            "spent": self.spent,
        })  # fmt: skip

    def restore(self, state: Mapping[str, Any]) -> None:
        """Set the training to a state returned by ``state``."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self._rng.bit_generator.state = state["rng"]
        self.curve = Curve(**copy.deepcopy(state["curve"]))
        self.train_loss, self.spent = list(state["train_loss"]), state["spent"]

    @contextlib.contextmanager
    def _seeded(self) -> Iterator[None]:
        """Seed torch by training seed and unit, so that dropout is the same after a resume."""
        with torch.random.fork_rng():
            torch.manual_seed(1000 * self._seed + self.done + 1)
            yield

    def _clock(self) -> float:
        """Return seconds: CPU time of this process, or wall time on a GPU."""
        if self._device.type != "cuda":
            return time.process_time()
        torch.cuda.synchronize(self._device)
        return time.perf_counter()
