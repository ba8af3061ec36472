"""A fixed piece of work of about a second, to tell how fast this core is just now."""

from __future__ import annotations

import os
import time

import numpy as np
from threadpoolctl import threadpool_limits

ROUNDS = 6


def reference_seconds() -> float:
    """Time the kernel once, on one thread; CPU seconds of the calling thread.

    It is what an RBF-SVM spends its time on: a block of a kernel matrix (2,000 x 4,000 distances
    of 784 columns, their exponentials) and a row-wise search.
    """
    rng = np.random.default_rng(0)
    points, others = rng.random((2000, 784)), rng.random((4000, 784))
    with threadpool_limits(1):
        started = time.thread_time()
        for _ in range(ROUNDS):
            block = points @ others.T
            np.exp(-block / 784, out=block)
            block.argmax(axis=1)
        return time.thread_time() - started


def load_and_steal() -> tuple[float, float | None]:
    """One-minute load average, and CPU seconds stolen by the host since boot (None off Linux)."""
    load = os.getloadavg()[0]
    try:
        with open("/proc/stat") as file:
            fields = file.readline().split()
    except FileNotFoundError:
        return load, None
    return load, int(fields[8]) / os.sysconf("SC_CLK_TCK")
