"""Worker process of ``BoostedTrees``: hold the rows, train one config at a time."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np

from benchmarks.core.arrays import Rows
from tasks import datasets as data
from tasks.boosted_trees.kernel import lightgbm_kernel
from tasks.subsets import stratified_order
from tasks.training.speed_readings import SpeedReadings

DATASET = "covertype_sample"
AT_ONCE = 10
"""boosting iterations per call of ``predict``; see ``_error``"""
FIXED = {
    "objective": "multiclass",
    "bagging_freq": 1,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,  # otherwise LightGBM times both layouts and takes the faster one
    "verbosity": -1,
}


@dataclass(frozen=True)
class Options:
    """Options of the training, as in the task's constructor."""

    data_dir: str | None
    train_rows: int | None
    subset_rows: int


def build(options: Options) -> Callable[..., Any]:
    """Load the rows and return the function that serves requests; runs in the worker process."""
    worker = _Worker(options)
    serve: Mapping[str, Callable[..., Any]]
    serve = {"facts": worker.facts, "train": worker.train, "speed": worker.speed}
    return lambda kind, *arguments: serve[kind](*arguments)


class _Worker:
    def __init__(self, options: Options) -> None:
        self._data = loaded = data.load(DATASET, options.data_dir)
        self._rows = min(options.train_rows or len(loaded.train), len(loaded.train))
        rng = np.random.default_rng(0)
        order = loaded.validation[stratified_order(loaded.y[loaded.validation], rng)]
        self._subset = np.sort(order[: options.subset_rows])
        self._labels = np.unique(loaded.y, return_inverse=True)[1]
        self._kernel: Callable[[], float] | None = None

    def facts(self) -> dict[str, Any]:
        """Return the description of the task: data and sizes."""
        return {
            "data": f"{DATASET} {self._data.sha256}",
            "training rows": self._rows,
            "validation rows": len(self._data.validation),
            "test rows": len(self._data.test),
            "features": self._data.X.shape[1],
            "classes": int(self._labels.max()) + 1,
        }

    def speed(self) -> float:
        """Return the CPU seconds that the speed kernel takes on this core now."""
        if self._kernel is None:
            self._kernel = lightgbm_kernel()
        return self._kernel()

    def train(
        self, config: Mapping[str, Any], fidelity: float, seed: int, recording: bool
    ) -> dict[str, Any]:
        """Train a config on a nested, stratified subset of the training rows.

        The cost includes drawing the subset, binning, training, and scoring the validation subset.

        Args:
            config: the config, in plain Python types.
            fidelity: share of the training rows, in (0, 1].
            seed: seed of the subset and of LightGBM.
            recording: measure the core's speed between iterations.

        Returns:
            ``loss`` (error rate on the validation subset or, at fidelity 1, on all validation
            rows), ``cost`` (CPU seconds), ``test_loss`` (None below fidelity 1) and ``references``
            (speed measurements, CPU seconds).
        """
        readings = SpeedReadings(self.speed)
        parameters = {
            **FIXED,
            **config,
            "num_class": int(self._labels.max()) + 1,
            "seed": seed,
        }
        rounds = parameters.pop("num_iterations")
        order = self._order(seed)
        started = time.process_time()
        rows = order[: max(1, round(fidelity * self._rows))]
        training = lightgbm.Dataset(self._data.X[rows], self._labels[rows])
        callbacks = [lambda _: readings.look()] if recording else None
        booster = lightgbm.train(parameters, training, rounds, callbacks=callbacks)
        loss = self._error(booster, self._subset)
        cost = time.process_time() - started - readings.spent
        if fidelity == 1:
            loss = self._error(booster, self._data.validation)
        test_loss = self._error(booster, self._data.test) if fidelity == 1 else None
        return {
            "loss": loss,
            "cost": cost,
            "test_loss": test_loss,
            "references": readings.readings,
        }

    @functools.lru_cache(maxsize=4)  # noqa: B019 - the worker lives as long as its process
    def _order(self, seed: int) -> Rows:
        train = self._data.train
        return train[stratified_order(self._data.y[train], np.random.default_rng([seed, 0]))]

    def _error(self, booster: lightgbm.Booster, rows: Rows) -> float:
        """Return the error rate on some rows.

        Each call of ``predict`` passes all rows through a few trees. With thousands of trees, which
        exceed a core's cache, this is 3 to 7 times faster than passing each row through all trees.
        """
        X, rounds = self._data.X[rows], booster.current_iteration()
        scores = sum(
            np.asarray(
                booster.predict(X, raw_score=True, start_iteration=first, num_iteration=AT_ONCE)
            )
            for first in range(0, rounds, AT_ONCE)
        )
        return float(np.mean(np.argmax(scores, axis=1) != self._labels[rows]))
