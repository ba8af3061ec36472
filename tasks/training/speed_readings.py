"""The speed of the core, read while a config trains, by work of the kind of the training."""

from __future__ import annotations

import time
from collections.abc import Callable

EVERY = 10.0
"""seconds of wall time between two readings"""


class SpeedReadings:
    """Time a kernel every ``EVERY`` seconds or so, when it is asked to look."""

    def __init__(self, kernel: Callable[[], float]) -> None:
        """``kernel`` does a fixed piece of work and returns the CPU seconds that it took."""
        self._kernel, self._at = kernel, time.monotonic()
        self.readings: list[float] = []
        self.spent = 0.0
        """CPU seconds of all readings"""

    def look(self) -> None:
        """Read the speed if the latest reading is old."""
        if time.monotonic() - self._at > EVERY:
            started = time.process_time()
            self.readings.append(round(self._kernel(), 5))
            self.spent += time.process_time() - started
            self._at = time.monotonic()
