"""Training of a network with an optimiser, both built from a config."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from tasks.training.training import DivergedError, Training

CPU = torch.device("cpu")


class NetworkTraining(Training):
    """Train a network; a subclass builds it and its optimiser."""

    def __init__(
        self,
        problem: Any,
        config: Mapping[str, Any],
        seed: int,
        between: Callable[[], object] | None = None,
    ) -> None:
        """Build network and optimiser.

        Args:
            problem: data and sizes, which are the same for all configs; its ``device`` trains.
            config: values of the hyperparameters.
            seed: as in ``Training``.
            between: as in ``Training``.
        """
        super().__init__(seed, problem.device, between)
        self._problem, self._config = problem, config
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._network = self._build_network()
        self._optimiser = self._build_optimiser()

    @abstractmethod
    def _build_network(self) -> nn.Module:
        """Build the network; its weights are drawn from torch's global random state."""

    @abstractmethod
    def _build_optimiser(self) -> torch.optim.Optimizer:
        """Build the optimiser of ``_network``."""

    def _parts(self) -> Mapping[str, Any]:
        return {"network": self._network, "optimiser": self._optimiser}


class SubsetTraining(NetworkTraining):
    """Score a fixed subset of the validation data after each unit, and all data after the last.

    ``problem`` also has ``subset``, ``validation``, ``test``, and ``units``, the number of units of
    a full training.
    """

    @abstractmethod
    def _score(self, part: Any) -> float:
        """Return the loss on a part of the data."""

    def _descend(
        self, loss: torch.Tensor, rate: float, where: str, clip: float = math.inf
    ) -> float:
        """Take one step of the optimiser.

        Args:
            loss: training loss of a batch.
            rate: learning rate of this step.
            where: what to call the step in an error.
            clip: largest norm of the gradients.

        Returns:
            The loss.

        Raises:
            DivergedError: the loss is NaN or infinite.
        """
        value = float(loss.detach())
        if not math.isfinite(value):
            raise DivergedError(f"the training loss was {value} in {where}")
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        self._optimiser.zero_grad()
        loss.backward()
        if math.isfinite(clip):
            nn.utils.clip_grad_norm_(self._network.parameters(), clip)
        self._optimiser.step()
        return value

    def _validate(self) -> float:
        return self._score(self._problem.subset)

    def _judge(self, loss: float, last: bool, every_test: bool) -> tuple[float, float | None]:
        if self.done + 1 < self._problem.units:
            return loss, None
        return self._score(self._problem.validation), self._score(self._problem.test)
