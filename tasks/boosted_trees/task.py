"""Gradient-boosted trees on Covertype; the fidelity is the share of the training rows."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from benchmarks.core.protocols import Task
from benchmarks.core.space import Config, Space
from benchmarks.core.trial import Fidelities, Observation
from tasks.subprocess_worker import WorkerFailureError, WorkerProcess, WorkerTimeoutError
from tasks.training.live import check_whole, read_task_info
from tasks.training.source import replay_or_live

SHARES = (1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)


class BoostedTrees(Task):
    """Live task: LightGBM on nested, stratified subsets of the rows of ``svm_covertype``.

    Loss is the error: of a training on a share of the rows on a fixed subset of the validation
    rows, of one on all rows on all of them. Cost is the CPU seconds of binning, training and
    scoring that subset, on one thread. Each fidelity is a training of its own.
    """

    version = 1
    reproducible = False
    isolated = True

    def __init__(
        self,
        space: Mapping[str, Mapping[str, Any]],
        baseline_default: Config | None = None,
        data_dir: str | None = None,
        train_rows: int | None = None,
        subset_rows: int = 2500,
        training_seeds: int = 10,
        time_limit: float = 1800.0,
    ) -> None:
        """Start the process that trains, and let it load the rows.

        Args:
            space: the hyperparameters, as ``Space.spec`` gives them.
            baseline_default: the untuned config that a gain is measured against.
            data_dir: folder with ``covertype.npz``; None downloads it.
            train_rows: cap on the training rows, for a quick look; None uses all.
            subset_rows: validation rows that are scored below the target.
            training_seeds: an evaluation draws its training seed, which also fixes the subset,
                from 0 .. training_seeds - 1.
            time_limit: wall seconds after which an evaluation is killed: status ``timeout``,
                charged at the limit.

        Raises:
            ValueError: an option outside what is allowed, or LightGBM is not installed.
            tasks.datasets.DataError: the rows cannot be had.
        """
        counts = {"subset_rows": subset_rows, "training_seeds": training_seeds}
        check_whole(counts | ({} if train_rows is None else {"train_rows": train_rows}))
        if not time_limit > 0:
            raise ValueError(f"task.time_limit={time_limit}: must be positive")
        self.space = Space.from_spec(space)
        self.baselines = {} if baseline_default is None else {"default": baseline_default}
        for config in self.baselines.values():
            self.space.check(config)
        self._seeds, self._limit = training_seeds, time_limit
        options = {"data_dir": data_dir, "train_rows": train_rows, "subset_rows": subset_rows}
        self._worker = WorkerProcess(_build, options)
        facts = read_task_info(self._worker, "trees")
        self._identity = {
            "data": facts.pop("data"),
            "train_rows": facts["training rows"],
            "subset_rows": subset_rows,
        }
        self.fidelities = Fidelities(
            values=SHARES, full=facts["training rows"], unit="training rows"
        )
        self.sizes = facts
        self.loss_floor = 0.5 / facts["validation rows"]

    @property
    def identity(self) -> Mapping[str, Any]:
        return self._identity

    def evaluate(self, config: Config, fidelity: float, rng: np.random.Generator) -> Observation:
        return self._train(config, fidelity, int(rng.integers(self._seeds)))

    def evaluate_replicate(
        self,
        config: Config,
        fidelity: float,
        replicate_seed: int,
        pause: Callable[[], bool] | None = None,
    ) -> Observation:
        """Evaluate with a chosen training seed; the recorder calls this.

        ``info["references"]`` are as of ``tasks.training.live.LiveTraining``.
        """
        return self._train(config, fidelity, replicate_seed, pause, recording=True)

    def reference_seconds(self) -> float:
        """Return the CPU seconds of a fixed piece of work of the kind of the training."""
        return float(self._worker.call("speed", limit=math.inf))

    def limit_time(self, seconds: float) -> None:
        self._limit = min(self._limit, seconds)

    def close(self) -> None:
        self._worker.close()

    def _train(
        self,
        config: Config,
        fidelity: float,
        seed: int,
        pause: Callable[[], bool] | None = None,
        recording: bool = False,
    ) -> Observation:
        self.space.check(config)
        self.fidelities.check(fidelity)
        plain = self.space.from_numbers(self.space.numbers(config))  # whatever a method's types are
        info: dict[str, Any] = {"training_seed": seed}
        started = time.monotonic()
        try:
            result = self._worker.call(
                "train", plain, fidelity, seed, recording, limit=self._limit, pause=pause
            )
        except WorkerTimeoutError as error:
            info["error"] = str(error)
            return Observation(math.nan, self._limit, "timeout", None, info)
        except WorkerFailureError as error:
            info["error"] = str(error)
            return Observation(math.nan, time.monotonic() - started, "failed", None, info)
        info["wall"] = time.monotonic() - started - self._worker.paused
        if recording:
            info["references"] = result["references"]
        return Observation(result["loss"], result["cost"], "ok", result["test_loss"], info)


def gbm_covertype(
    space: Mapping[str, Mapping[str, Any]],
    source: str = "recorded",
    table: str | None = None,
    surrogate: str | None = None,
    **options: Any,
) -> Task:
    """Build what ``task=gbm_covertype`` names; see ``replay_or_live`` and ``BoostedTrees``."""
    trained = ("train_rows", "subset_rows")
    return replay_or_live(BoostedTrees, space, source, table, surrogate, options, trained)


def _build(options: Mapping[str, Any]) -> Callable[..., Any]:
    """Run in the child, which alone imports LightGBM."""
    from tasks.boosted_trees import worker

    return worker.build(worker.Options(**options))
