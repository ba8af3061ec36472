"""A fixed piece of work in LightGBM: what a core's speed is read by where trees are boosted."""

from __future__ import annotations

import time
from collections.abc import Callable

import lightgbm
import numpy as np

ROWS, COLUMNS, ITERATIONS = 6000, 40, 8
PARAMETERS = {
    "objective": "multiclass",
    "num_class": 5,
    "num_leaves": 31,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}


def lightgbm_kernel() -> Callable[[], float]:
    """Build the kernel: boosting a few trees on fixed random rows, and predicting them.

    Returns:
        A function that does the work once, on one thread, and returns its CPU seconds (0.2 or so).
    """
    rng = np.random.default_rng(0)
    X = rng.standard_normal((ROWS, COLUMNS))
    y = (4.99 * rng.random(ROWS)).astype(int)

    def work() -> float:
        started = time.thread_time()
        booster = lightgbm.train(PARAMETERS, lightgbm.Dataset(X, y), ITERATIONS)
        booster.predict(X)
        return time.thread_time() - started

    work()  # the first call loads the library
    return work
