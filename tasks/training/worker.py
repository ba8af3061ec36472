"""Worker process of a task that trains networks: hold the data, train one config at a time."""

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
    """Make torch deterministic and single-threaded; call this before building any network."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # needed for determinism on CUDA
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False


class Worker(ABC):
    """Answer the requests of a task; a subclass loads the data and starts trainings."""

    def __init__(
        self, units: int, checkpoint_dir: str | None, trained: Sequence[Any], device: torch.device
    ) -> None:
        """Set up the checkpoints.

        Args:
            units: number of units of a full training, which is never continued and needs no
                checkpoint.
            checkpoint_dir: folder of the checkpoints; None saves none.
            trained: all that a state depends on, besides config, seed and units trained.
            device: device that trains.
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
        """Return the description of the task: data, sizes, and so on."""

    @abstractmethod
    def start(
        self, config: Mapping[str, Any], seed: int, between: Callable[[], object] | None
    ) -> Training:
        """Return the untrained ``Training`` of a config."""

    def answer(self, request: str, *arguments: Any) -> Any:
        """Answer a request: one of ``requests``."""
        return self.requests()[request](*arguments)

    def requests(self) -> Mapping[str, Callable[..., Any]]:
        """Return the functions that answer requests, by name of the request."""
        return {"facts": self.facts, "train": self.train, "speed": self.speed}

    def speed(self) -> float:
        """Return the CPU seconds that the speed kernel takes on this core now."""
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
        """Train a config to ``units``, from the checkpoint after ``trained`` units if it exists.

        Args:
            config: the config, in plain Python types.
            trained: number of units of the checkpoint to continue from; 0 starts afresh.
            units: total number of units to train.
            seed: training seed.
            every_test: score the test rows after each unit.
            recording: measure the core's speed between units.

        Returns:
            ``curve`` (see ``Curve``), ``cost`` and ``restart_cost`` (seconds of this request, and
            of the same training from the start), ``began`` (units in the checkpoint), ``error``
            (None unless the training diverged), ``references`` (speed measurements) and, where
            checkpoints are saved, ``checkpoint_error``.
        """
        readings = SpeedReadings(self.speed)
        training = self.start(config, seed, readings.look if recording else None)
        if trained and self._checkpoints is not None:
            state = self._checkpoints.load(config, seed, trained)
            if state is not None:
                training.restore(state)
        before, began = training.spent, training.done
        result: dict[str, Any] = {"began": began, "error": None}
        try:
            training.advance(units, every_test)
        except DivergedError as error:
            result["error"] = str(error)
        result |= {"curve": vars(training.curve), "cost": training.spent - before}
        result |= {"restart_cost": training.spent, "references": readings.readings}
        if self._checkpoints is not None and result["error"] is None and units < self._units:
            result["checkpoint_error"] = self._checkpoints.save(
                config, seed, units, training.state()
            )
        return result
