"""Measure the core's speed while a config trains, with a workload like the training."""

from __future__ import annotations

import time
from collections.abc import Callable

EVERY = 10.0
"""wall seconds between two measurements"""


class SpeedReadings:
    """Time a kernel at most every ``EVERY`` seconds, whenever ``look`` is called."""

    def __init__(self, kernel: Callable[[], float]) -> None:
        """``kernel`` runs a fixed workload and returns its CPU seconds."""
        self._kernel, self._at = kernel, time.monotonic()
        self.readings: list[float] = []
        self.spent = 0.0
        """CPU seconds spent on all measurements"""

    def look(self) -> None:
        """Time the kernel if the latest measurement is older than ``EVERY`` seconds."""
        if time.monotonic() - self._at > EVERY:
            started = time.process_time()
            self.readings.append(round(self._kernel(), 5))
            self.spent += time.process_time() - started
            self._at = time.monotonic()
