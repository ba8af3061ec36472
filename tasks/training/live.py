"""The base of tasks whose configs are trained unit by unit, in a child process."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from benchmarks.core.protocols import Task
from benchmarks.core.space import Config, Space
from benchmarks.core.trial import Fidelities, Observation
from tasks.datasets import DataError
from tasks.subprocess_worker import WorkerFailureError, WorkerProcess, WorkerTimeoutError


class LiveTraining(Task):
    """Train configs for real; the fidelity is the share of the units of a full training.

    Loss is the validation loss after the last unit; cost the seconds of training and of
    validating after each unit (CPU seconds of one thread, or wall seconds of a GPU). Test rows
    are scored with the same network and never charged.
    """

    reproducible = False
    isolated = True
    extra = "live"
    """the extra that has what the child imports"""

    def __init__(
        self,
        build: Callable[..., Callable[..., Any]],
        options: Mapping[str, Any],
        space: Space,
        fidelities: Fidelities,
        *,
        units: int,
        baselines: Mapping[str, Config] | None = None,
        checkpoint_dir: str | None = None,
        training_seeds: int = 10,
        time_limit: float = 86400.0,
        every_test: bool = False,
    ) -> None:
        """Start the process that trains, and let it load its data.

        Args:
            build: run in the child with one argument, ``options`` and ``checkpoint_dir``;
                returns the function that serves requests, see ``tasks.training.worker``.
            options: what is trained; pickled.
            space: the hyperparameters.
            fidelities: offered, each a whole number of units.
            units: of a full training.
            baselines: untuned configs that a gain is measured against, by name.
            checkpoint_dir: where checkpoints are kept if ``fidelities.resumable``; None for a
                temporary folder, with which a run that is killed and resumed pays for what it
                continues anew.
            training_seeds: an evaluation draws its training seed from 0 .. training_seeds - 1.
            time_limit: wall seconds after which an evaluation is killed: status ``timeout``,
                charged at the limit.
            every_test: the recorder has the test rows scored after each unit, not only the last.

        Raises:
            ValueError: an option outside what is allowed, or a package is not installed.
            tasks.datasets.DataError: the data cannot be had.
        """
        check_whole({"training_seeds": training_seeds})
        if not time_limit > 0:
            raise ValueError(f"task.time_limit={time_limit}: must be positive")
        self.space, self.fidelities = space, fidelities
        self.baselines = dict(baselines or {})
        for config in self.baselines.values():
            space.check(config)
        self._units, self._seeds = units, training_seeds
        self._limit, self._every_test = time_limit, every_test
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        if not fidelities.resumable:
            checkpoint_dir = None
        elif checkpoint_dir is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="untunable-checkpoints-")
            checkpoint_dir = self._scratch.name
            self.private_checkpoints = True
        self._said_once: dict[str, Any] = {}
        """joins the info of the first trial"""
        self._worker = WorkerProcess(build, {**options, "checkpoint_dir": checkpoint_dir})

    def evaluate(self, config: Config, fidelity: float, rng: np.random.Generator) -> Observation:
        self._check(config, fidelity)
        return self._train(config, 0.0, fidelity, int(rng.integers(self._seeds)))

    def resume(
        self, config: Config, trained: float, fidelity: float, rng: np.random.Generator
    ) -> Observation:
        self._check(config, fidelity)
        return self._train(config, trained, fidelity, int(rng.integers(self._seeds)))

    def evaluate_replicate(
        self,
        config: Config,
        fidelity: float,
        replicate_seed: int,
        pause: Callable[[], bool] | None = None,
    ) -> Observation:
        """Evaluate with a chosen training seed; the recorder calls this.

        ``info["curve"]`` has, after each unit, ``loss``, ``test_loss`` and ``cost``;
        ``info["references"]`` the readings of the core's speed, see ``reference_seconds``, made
        every ten seconds or so while the config trained.
        """
        self._check(config, fidelity)
        return self._train(config, 0.0, fidelity, replicate_seed, pause, recording=True)

    def reference_seconds(self) -> float:
        """Return the CPU seconds of a fixed piece of work of the kind of the training."""
        return float(self._worker.call("speed", limit=math.inf))

    def limit_time(self, seconds: float) -> None:
        self._limit = min(self._limit, seconds)

    def close(self) -> None:
        self._worker.close()
        if self._scratch is not None:
            self._scratch.cleanup()

    def _check(self, config: Config, fidelity: float) -> None:
        self.space.check(config)
        self.fidelities.check(fidelity)

    def _train(
        self,
        config: Config,
        trained: float,
        fidelity: float,
        seed: int,
        pause: Callable[[], bool] | None = None,
        recording: bool = False,
    ) -> Observation:
        units, before = (round(s * self._units) for s in (fidelity, trained))
        plain = self.space.from_numbers(self.space.numbers(config))  # whatever a method's types are
        every_test = recording and self._every_test
        request = ("train", plain, before, units, seed, every_test, recording)
        info: dict[str, Any] = {"training_seed": seed, **self._said_once}
        self._said_once = {}
        started = time.monotonic()
        try:
            result = self._worker.call(*request, limit=self._limit, pause=pause)
        except WorkerTimeoutError as error:
            info["error"] = str(error)
            return Observation(math.nan, self._limit, "timeout", None, info)
        except WorkerFailureError as error:
            info["error"] = str(error)
            return Observation(math.nan, time.monotonic() - started, "failed", None, info)
        info["wall"] = time.monotonic() - started - self._worker.paused
        if self.fidelities.resumable:
            info |= {"restart_cost": result["restart_cost"], "continued_from": result["began"]}
            if result.get("checkpoint_error"):
                info["checkpoint_error"] = result["checkpoint_error"]
        curve = result["curve"]
        if recording:
            info |= {"curve": curve, "references": result["references"]}
        if result["error"] is not None:
            info["error"] = result["error"]
            return Observation(math.nan, result["cost"], "diverged", None, info)
        return Observation(curve["loss"][-1], result["cost"], "ok", curve["test_loss"][-1], info)

    def _facts(self) -> dict[str, Any]:
        """Return what the child says of itself; see ``read_task_info``."""
        try:
            return read_task_info(self._worker, self.extra)
        except ValueError:
            self.close()
            raise


def read_task_info(child: WorkerProcess, extra: str) -> dict[str, Any]:
    """Return what a task's child says of itself; it loads its data now.

    Args:
        child: answers the request ``facts``; it is killed if it cannot.
        extra: of this package, that has what the child imports.

    Raises:
        tasks.datasets.DataError: the data cannot be had.
        ValueError: the child could not start, e.g. for want of a package.
    """
    try:
        facts: dict[str, Any] = child.call("facts", limit=math.inf)
    except WorkerFailureError as error:
        child.close()
        kind, _, message = " ".join(str(error).split()).partition(": ")
        if kind == "DataError":
            raise DataError(message) from None
        if kind == "ModuleNotFoundError":
            raise ValueError(f"{message}: pip install -e '.[{extra}]'") from None
        raise ValueError(f"the process that trains did not start ({kind}: {message})") from None
    return facts


def check_whole(options: Mapping[str, Any]) -> None:
    """Raise ``ValueError`` unless each option of a task is a whole number, 1 or more."""
    for name, number in options.items():
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise ValueError(f"task.{name}={number}: must be a whole number, 1 or more")


def check_switches(options: Mapping[str, Any]) -> None:
    """Raise ``ValueError`` unless each option of a task is true or false."""
    for name, switch in options.items():
        if not isinstance(switch, bool):
            raise ValueError(f"task.{name}={switch}: allowed are true, false")
