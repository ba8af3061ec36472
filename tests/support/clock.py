"""A clock that a test holds, so that what is measured does not depend on the machine's speed."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import ModuleType

import pytest


class Clock:
    """Stands in for the module ``time``: it shows ``now`` and stands still.

    While ``runs()`` is true, every reading is 1000 s after the one before. Sleeping takes real
    time.
    """

    sleep = staticmethod(time.sleep)

    def __init__(self, now: float = 0.0) -> None:
        self.now = now
        self.runs: Callable[[], bool] = lambda: False

    def monotonic(self) -> float:
        """Read the clock, in seconds."""
        if self.runs():
            self.now += 1000.0
        return self.now

    perf_counter = monotonic


def hold(monkeypatch: pytest.MonkeyPatch, module: ModuleType, now: float = 0.0) -> Clock:
    """Give a module (of those that ``import time``) a clock of its own for the test."""
    clock = Clock(now)
    monkeypatch.setattr(module, "time", clock)
    return clock
