"""Measure the current speed of this core with a fixed workload of about a second."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits

ROUNDS = 6
FRESH = 5.0
"""seconds for which a timing remains valid, so that short trainings share one"""


def reference_seconds() -> float:
    """Run the kernel once, on one thread, and return its CPU seconds.

    It resembles the main work of an RBF-SVM: a block of a kernel matrix (2,000 x 4,000 distances
    of 784 columns, and their exponentials) and a row-wise search.
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
    """Cache of the latest speed measurement of this core."""

    def __init__(self, kernel: Callable[[], float] = reference_seconds) -> None:
        """``kernel`` runs a fixed workload and returns its CPU seconds."""
        self._kernel = kernel
        self._seconds, self._at = kernel(), time.monotonic()

    def seconds(self) -> float:
        """Return the latest timing of the kernel, or a new one if it is older than ``FRESH``."""
        if time.monotonic() - self._at > FRESH:
            self._seconds, self._at = self._kernel(), time.monotonic()
        return self._seconds


def load_and_steal() -> tuple[float, float | None]:
    """Return the one-minute load average and the CPU seconds stolen by the host since boot.

    The latter is None on systems other than Linux.
    """
    load = os.getloadavg()[0]
    try:
        with open("/proc/stat") as file:
            fields = file.readline().split()
    except FileNotFoundError:
        return load, None
    return load, int(fields[8]) / os.sysconf("SC_CLK_TCK")
