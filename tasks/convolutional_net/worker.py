"""Worker process of ``ConvolutionalNet``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from benchmarks.core.arrays import Rows
from tasks import datasets as data
from tasks.convolutional_net.training import Images, ImageTraining, Problem
from tasks.subsets import stratified_order
from tasks.training.worker import Worker, set_deterministic


@dataclass(frozen=True)
class Options:
    """Options of the training, as in the task's constructor."""

    data_dir: str | None
    units: int
    train_rows: int
    subset_rows: int
    checkpoint_dir: str | None


def build(options: Options) -> Callable[..., Any]:
    """Load the images and return the function that serves requests; runs in the worker process."""
    set_deterministic()
    return _Worker(options).answer


class _Worker(Worker):
    def __init__(self, options: Options) -> None:
        loaded = data.load("fashion_mnist", options.data_dir)
        if options.train_rows > len(loaded.train):
            raise data.DataError(
                f"task.train_rows={options.train_rows}: at most {len(loaded.train)} are available"
            )
        rng = np.random.default_rng(0)
        subset = loaded.validation[stratified_order(loaded.y[loaded.validation], rng)]
        train = loaded.train[: options.train_rows]
        mean, sd = loaded.X[train].mean(), loaded.X[train].std()

        def images(rows: Rows) -> Images:
            pixels = ((loaded.X[rows] - mean) / sd).astype(np.float32).reshape(-1, 1, 28, 28)
            return Images(torch.from_numpy(pixels), torch.from_numpy(loaded.y[rows]))

        self._sha256 = loaded.sha256
        self._problem = Problem(
            images(train),
            images(np.sort(subset[: options.subset_rows])),
            images(loaded.validation),
            images(loaded.test),
            int(loaded.y.max()) + 1,
            options.units,
        )
        trained = [loaded.sha256, options.train_rows, options.subset_rows]
        super().__init__(options.units, options.checkpoint_dir, trained, torch.device("cpu"))

    def facts(self) -> dict[str, Any]:
        problem = self._problem
        return {
            "data": f"fashion_mnist {self._sha256}",
            "training images": len(problem.train.labels),
            "validation images": len(problem.validation.labels),
            "test images": len(problem.test.labels),
            "classes": problem.classes,
        }

    def start(
        self, config: Mapping[str, Any], seed: int, between: Callable[[], object] | None
    ) -> ImageTraining:
        return ImageTraining(self._problem, config, seed, between)
