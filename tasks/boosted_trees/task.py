"""Gradient-boosted trees on Covertype; the fidelity is the share of the training rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from benchmarks.core.space import Config, Space
from benchmarks.core.trial import Fidelities, Observation
from tasks.subprocess_worker import WorkerProcess
from tasks.training.live import check_whole, read_task_info
from tasks.training.source import factory_of
from tasks.training.worker_task import Pause, WorkerTask, build_worker, check_time_limit

SHARES = (1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)


class BoostedTrees(WorkerTask):
    """Live task: LightGBM on nested, stratified subsets of the rows of ``svm_covertype``.

    The loss is the error rate on a fixed subset of the validation rows or, at the target fidelity,
    on all of them. The cost is the CPU seconds, on one thread, of drawing the training rows,
    binning, training, and scoring the validation subset. Each fidelity is a separate training: a
    config cannot be resumed.
    """

    version = 1

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
        """Start the worker process, which loads the rows.

        Args:
            space: spec of the search space, see ``Space.spec``.
            baseline_default: the untuned config that gains are measured against.
            data_dir: folder with ``covertype.npz``; None downloads it.
            train_rows: maximum number of training rows, for quick trials; None uses all.
            subset_rows: number of validation rows that are scored below the target fidelity.
            training_seeds: each evaluation draws its training seed from 0 .. training_seeds - 1;
                the seed also fixes the subset of the training rows.
            time_limit: seconds of wall time after which an evaluation is killed; its status is
                then ``timeout`` and its cost the limit.

        Raises:
            ValueError: an option is out of range, or LightGBM is not installed.
            tasks.datasets.DataError: the data set is not available.
        """
        counts = {"subset_rows": subset_rows, "training_seeds": training_seeds}
        check_whole(counts | ({} if train_rows is None else {"train_rows": train_rows}))
        check_time_limit(time_limit)
        self.space = Space.from_spec(space)
        self._set_baselines({"default": baseline_default})
        self._seeds, self._limit = training_seeds, time_limit
        options = {"data_dir": data_dir, "train_rows": train_rows, "subset_rows": subset_rows}
        self._worker = WorkerProcess(build_worker, "tasks.boosted_trees.worker", options)
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

    def reference_seconds(self) -> float:
        """Time a fixed workload that resembles the training, in CPU seconds."""
        return float(self._worker.call("speed", limit=math.inf))

    def _train(
        self, config: Config, fidelity: float, seed: int, pause: Pause, recording: bool
    ) -> Observation:
        """Train a config; ``info["references"]`` is as in ``tasks.training.live.LiveTraining``."""
        self.space.check(config)
        self.fidelities.check(fidelity)
        plain = self.space.from_numbers(self.space.numbers(config))  # numpy types become plain ones
        info: dict[str, Any] = {"training_seed": seed}
        result = self._request(("train", plain, fidelity, seed, recording), info, pause)
        if isinstance(result, Observation):
            return result
        if recording:
            info["references"] = result["references"]
        return Observation(result["loss"], result["cost"], "ok", result["test_loss"], info)


gbm_covertype = factory_of(BoostedTrees, ("train_rows", "subset_rows"))
"""builds the task ``gbm_covertype``: the replay of its table, or ``BoostedTrees``"""
