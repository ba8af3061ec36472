"""A task that takes real time and goes wrong where it is told to, in real processes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

from benchmarks.core.space import Config
from benchmarks.core.trial import Observation
from support.tiny import Tiny
from support.waiting import pass_gate, wait_for

FAULTS = ("ok", "hang", "die", "raise", "rubbish", "lock")


class Live(Tiny):
    """Tiny that trains for ``least`` to ``most`` seconds; what it costs is a clock reading.

    With ``faults``, by turns of x: all is ok, it hangs, its process dies, it raises, returns None,
    returns what cannot be sent. With ``together``, an evaluation waits until so many are under way.
    With ``marks``, a folder, each leaves an empty file there, named ``<process>-<thread>-<count>``.
    With ``gate``, a folder, an evaluation waits until the test lets it pass (``let_pass``).
    With ``builder``, a process id, it can be built in no other process.
    """

    reproducible = False

    def __init__(
        self,
        least: float = 0.0,
        most: float = 0.0,
        faults: Sequence[str] = ("ok",),
        together: int = 1,
        marks: str | None = None,
        gate: str | None = None,
        builder: int | None = None,
    ) -> None:
        super().__init__()
        if builder not in (None, os.getpid()):
            raise ValueError("cannot be built here")
        self._seconds, self._faults, self._together = (least, most), faults, together
        self._marks = None if marks is None else Path(marks)
        self._gate = None if gate is None else Path(gate)

    def evaluate(self, config: Config, fidelity: float, rng: np.random.Generator) -> Observation:
        started = time.perf_counter()
        if self._marks is not None:
            (self._marks / f"{os.getpid()}-{threading.get_ident()}-{time.time_ns()}").touch()
            marks = self._marks
            wait_for(lambda: len(pids(marks)) >= self._together)
        if self._gate is not None:
            pass_gate(self._gate)
        fault = self._faults[int(config["x"] * len(self._faults) * 0.999)]
        if fault == "hang":
            time.sleep(3600)
        if fault == "die":
            os._exit(7)
        if fault == "raise":
            raise ValueError("on purpose")
        if fault == "rubbish":
            return None  # type: ignore[return-value]
        time.sleep(rng.uniform(*self._seconds))
        seen = super().evaluate(config, fidelity, rng)
        info: dict[str, Any] = {"pid": os.getpid(), "threads": _most_threads()}
        if fault == "lock":
            info["lock"] = threading.Lock()
        return Observation(seen.loss, time.perf_counter() - started, "ok", seen.test_loss, info)


def _most_threads() -> int:
    """Of the BLAS and OpenMP libraries loaded here."""
    return max((pool["num_threads"] for pool in threadpool_info()), default=1)


def pids(marks: Path) -> list[int]:
    """Processes that evaluated, the latest last; one for each evaluation that began."""
    names = [path.name.split("-") for path in marks.iterdir()]
    return [int(process) for process, _, _ in sorted(names, key=lambda name: int(name[2]))]


class Own(Tiny):
    """Has a time limit of its own, as tasks have that kill what they start themselves."""

    isolated = True

    def __init__(self, time_limit: float) -> None:
        super().__init__()
        self.time_limit = time_limit

    def limit_time(self, seconds: float) -> None:
        self.time_limit = min(self.time_limit, seconds)
