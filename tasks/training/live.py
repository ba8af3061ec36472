"""Base class of tasks that train configs unit by unit, in a worker process."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.core.space import Config, Space
from benchmarks.core.trial import Fidelities, Losses, Observation
from tasks.datasets import DataError
from tasks.subprocess_worker import WorkerFailureError, WorkerProcess
from tasks.training.worker_task import Pause, WorkerTask, build_worker, check_time_limit


class LiveTraining(WorkerTask):
    """Train configs for real; the fidelity is the share of the units of a full training.

    The loss is the validation loss after the last unit. The cost is the seconds of training and of
    validation after each unit: CPU seconds of one thread, or wall seconds on a GPU. The same
    network scores the test rows; this is not charged.
    """

    extra = "live"
    """extra of this package (``pip install .[extra]``) that the worker process needs"""

    def __init__(
        self,
        worker: str,
        options: Mapping[str, Any],
        space: Space,
        fidelities: Fidelities,
        *,
        units: int,
        baselines: Mapping[str, Config | None],
        checkpoint_dir: str | None = None,
        training_seeds: int = 10,
        time_limit: float = 86400.0,
        every_test: bool = False,
    ) -> None:
        """Prepare the worker process, which loads its data at the first request.

        Args:
            worker: module of the worker process, see ``build_worker``.
            options: its ``Options``, without ``checkpoint_dir``; pickled.
            space: the search space.
            fidelities: fidelities offered, each a whole number of units.
            units: number of units of a full training.
            baselines: untuned configs, by name, that gains are measured against; None is left out.
            checkpoint_dir: folder of the checkpoints, used if ``fidelities.resumable``. None is a
                temporary folder: a run that is killed and resumed has lost its checkpoints, and
                trains and pays from the start.
            training_seeds: each evaluation draws its training seed from 0 .. training_seeds - 1.
            time_limit: seconds of wall time after which an evaluation is killed; its status is
                then ``timeout`` and its cost the limit.
            every_test: when recording, score the test rows after each unit, not only the last.

        Raises:
            ValueError: an option is out of range, or a baseline is outside the space.
        """
        check_whole({"training_seeds": training_seeds})
        check_time_limit(time_limit)
        self.space, self.fidelities = space, fidelities
        self._set_baselines(baselines)
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
        """added to the info of the first trial"""
        self._worker = WorkerProcess(
            build_worker, worker, {**options, "checkpoint_dir": checkpoint_dir}
        )

    def resume(
        self, config: Config, trained: float, fidelity: float, rng: np.random.Generator
    ) -> Observation:
        seed = int(rng.integers(self._seeds))
        return self._train(config, fidelity, seed, None, False, trained)

    def reference_seconds(self) -> float:
        """Time a fixed workload that resembles the training, in CPU seconds."""
        return float(self._worker.call("speed", limit=math.inf))

    def close(self) -> None:
        super().close()
        if self._scratch is not None:
            self._scratch.cleanup()

    def _train(
        self,
        config: Config,
        fidelity: float,
        seed: int,
        pause: Pause,
        recording: bool,
        trained: float = 0.0,
    ) -> Observation:
        """Train a config, on from fidelity ``trained`` if its checkpoint is there.

        For the recorder, ``info["curve"]`` holds ``loss``, ``test_loss`` and ``cost`` after each
        unit, and ``info["references"]`` the measurements of the core's speed (see
        ``reference_seconds``) that were made about every ten seconds during the training.
        """
        self.space.check(config)
        self.fidelities.check(fidelity)
        units, before = (round(s * self._units) for s in (fidelity, trained))
        plain = self.space.from_numbers(self.space.numbers(config))  # numpy types become plain ones
        every_test = recording and self._every_test
        request = ("train", plain, before, units, seed, every_test, recording)
        info: dict[str, Any] = {"training_seed": seed, **self._said_once}
        self._said_once = {}
        result = self._request(request, info, pause)
        if isinstance(result, Observation):
            return result
        if self.fidelities.resumable:
            info |= {"restart_cost": result["restart_cost"], "continued_from": result["began"]}
            if result.get("checkpoint_error"):
                info["checkpoint_error"] = result["checkpoint_error"]
        curve = result["curve"]
        if recording:
            info |= {"curve": curve, "references": result["references"]}
        if result["error"] is not None:
            info["error"] = result["error"]
            paid = self._paid(result, curve["loss"])
            return Observation(math.nan, result["cost"], "diverged", None, info, paid)
        *before, loss = curve["loss"]
        paid, test_loss = self._paid(result, before), curve["test_loss"][-1]
        return Observation(loss, result["cost"], "ok", test_loss, info, paid)

    def _paid(self, result: Mapping[str, Any], losses: Sequence[float]) -> Losses:
        """Return the losses that a request has paid for, with their fidelities.

        Args:
            result: answer of the worker process; ``began`` is the number of units that it resumed.
            losses: losses after each unit on the way, from the start of the training.
        """
        if not self.fidelities.resumable:
            return ()
        first = result["began"]
        numbered = enumerate(losses[first:], first + 1)
        return tuple((unit / self._units, loss) for unit, loss in numbered)

    def _facts(self) -> dict[str, Any]:
        """Return ``read_task_info`` of the worker process; close the task on error."""
        try:
            return read_task_info(self._worker, self.extra)
        except ValueError:
            self.close()
            raise


def read_task_info(worker: WorkerProcess, extra: str) -> dict[str, Any]:
    """Start a worker process, let it load its data, and return its description of the task.

    Args:
        worker: answers the request ``facts``; it is killed if the request fails.
        extra: extra of this package that the process needs; named in the error message.

    Raises:
        tasks.datasets.DataError: the data set is not available.
        ValueError: the process could not start, e.g. because a package is missing.
    """
    try:
        facts: dict[str, Any] = worker.call("facts", limit=math.inf)
    except WorkerFailureError as error:
        worker.close()
        kind, _, message = " ".join(str(error).split()).partition(": ")
        if kind == "DataError":
            raise DataError(message) from None
        if kind == "ModuleNotFoundError":
            raise ValueError(f"{message}: pip install -e '.[{extra}]'") from None
        raise ValueError(f"the worker process did not start ({kind}: {message})") from None
    return facts


def check_whole(options: Mapping[str, Any]) -> None:
    """Raise ``ValueError`` unless the value of each task option is an integer of 1 or more."""
    for name, number in options.items():
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise ValueError(f"task.{name}={number}: must be a whole number, 1 or more")


def check_switches(options: Mapping[str, Any]) -> None:
    """Raise ``ValueError`` unless the value of each task option is a boolean."""
    for name, switch in options.items():
        if not isinstance(switch, bool):
            raise ValueError(f"task.{name}={switch}: allowed are true, false")
