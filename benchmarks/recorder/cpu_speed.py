"""A fixed piece of work of about a second, to tell how fast this core is just now."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits

ROUNDS = 6
FRESH = 5.0
"""seconds for which a timing tells how fast the core is: trainings of milliseconds share one"""


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


class Speed:
    """How fast this core has been lately."""

    def __init__(self, kernel: Callable[[], float] = reference_seconds) -> None:
        """``kernel`` does a fixed piece of work and returns the seconds that it took."""
        self._kernel = kernel
        self._seconds, self._at = kernel(), time.monotonic()

    def seconds(self) -> float:
        """The latest timing of the kernel, or a new one if that is no longer ``FRESH``."""
        if time.monotonic() - self._at > FRESH:
            self._seconds, self._at = self._kernel(), time.monotonic()
        return self._seconds


def load_and_steal() -> tuple[float, float | None]:
    """One-minute load average, and CPU seconds stolen by the host since boot (None off Linux)."""
    load = os.getloadavg()[0]
    try:
        with open("/proc/stat") as file:
            fields = file.readline().split()
    except FileNotFoundError:
        return load, None
    return load, int(fields[8]) / os.sysconf("SC_CLK_TCK")
