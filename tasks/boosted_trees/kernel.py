"""A fixed LightGBM workload that measures the core's speed for the task of boosted trees."""

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
    """Build the kernel: fit a few boosted trees to fixed random rows, and predict these rows.

    Returns:
        A function that runs the workload once, on one thread, and returns its CPU seconds (about
        0.2).
    """
    rng = np.random.default_rng(0)
    X = rng.standard_normal((ROWS, COLUMNS))
    y = (4.99 * rng.random(ROWS)).astype(int)

    def work() -> float:
        started = time.thread_time()
        booster = lightgbm.train(PARAMETERS, lightgbm.Dataset(X, y), ITERATIONS)
        booster.predict(X)
        return time.thread_time() - started

    work()  # the first call is slower: it loads the library
    return work
