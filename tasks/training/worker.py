"""The child process of a task that trains networks: holds the data, trains one config at a time."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from tasks.training.checkpoints import Checkpoints
from tasks.training.speed_readings import SpeedReadings
from tasks.training.torch_kernel import torch_kernel
from tasks.training.training import DivergedError, Training


def set_deterministic() -> None:
    """Make torch deterministic, on one thread; to be called before anything is built."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # deterministic on CUDA
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False


class Worker(ABC):
    """Serve a task's requests; a subclass holds the data and starts trainings."""

    def __init__(
        self, units: int, checkpoint_dir: str | None, trained: Sequence[Any], device: torch.device
    ) -> None:
        """Keep what all workers need.

        Args:
            units: of a full training, which nothing continues.
            checkpoint_dir: where states are kept; None keeps none.
            trained: what a state depends on, besides config, seed and units trained.
            device: that trains.
        """
        self._units = units
        self._checkpoints = (
            None
            if checkpoint_dir is None
            else Checkpoints(
                checkpoint_dir, [*trained, units, device.type, torch.__version__], device
            )
        )
        self._kernel: Callable[[], float] | None = None

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """Return what the task says of itself: data, sizes, and so on."""

    @abstractmethod
    def start(
        self, config: Mapping[str, Any], seed: int, between: Callable[[], object] | None
    ) -> Training:
        """Return the training of a config, at its beginning."""

    def serve(self) -> Mapping[str, Callable[..., Any]]:
        """Return the requests that this worker answers, by name."""
        return {"facts": self.facts, "train": self.train, "speed": self.speed}

    def speed(self) -> float:
        """Return the CPU seconds that the kernel takes on this core now."""
        if self._kernel is None:
            self._kernel = torch_kernel()
        return self._kernel()

    def train(
        self,
        config: Mapping[str, Any],
        trained: int,
        units: int,
        seed: int,
        every_test: bool,
        recording: bool,
    ) -> dict[str, Any]:
        """Train a config to ``units``, from a checkpoint after ``trained`` if there is one.

        Args:
            config: plain numbers.
            trained: units after which a checkpoint may be; 0 starts afresh.
            units: to train in all.
            seed: training seed.
            every_test: score the test rows after each unit.
            recording: read the core's speed between units.
        """
        readings = SpeedReadings(self.speed)
        training = self.start(config, seed, readings.look if recording else None)
        if trained and self._checkpoints is not None:
            state = self._checkpoints.load(config, seed, trained)
            if state is not None:
                training.restore(state)
        before, began = training.spent, training.done
        found: dict[str, Any] = {"began": began, "error": None}
        try:
            training.advance(units, every_test)
        except DivergedError as error:
            found["error"] = str(error)
        found |= {"curve": vars(training.curve), "cost": training.spent - before}
        found |= {"restart_cost": training.spent, "references": readings.readings}
        if self._checkpoints is not None and found["error"] is None and units < self._units:
            found["checkpoint_error"] = self._checkpoints.save(
                config, seed, units, training.state()
            )
        return found
