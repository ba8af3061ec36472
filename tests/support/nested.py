"""A task whose evaluations start processes of their own."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.core.space import Config
from benchmarks.core.trial import Observation
from support.tiny import Tiny

KINDS = ("pool", "spawn", "subprocess", "hang")


class Nested(Tiny):
    """Tiny that doubles a number in a child process and prints it.

    Args:
        kind: ``pool`` (multiprocessing.Pool of forks), ``spawn`` (of spawned processes),
            ``subprocess`` (another interpreter), or ``hang`` (a child that never ends).
        marks: folder in which each child leaves an empty file, as ``live.Live`` does.
    """

    reproducible = False

    def __init__(self, kind: str = "pool", marks: str | None = None) -> None:
        super().__init__()
        self._kind, self._marks = kind, marks

    def evaluate(self, config: Config, fidelity: float, rng: np.random.Generator) -> Observation:
        seen = super().evaluate(config, fidelity, rng)
        print("evaluated", flush=True)
        if self._kind == "subprocess":
            command = [sys.executable, "-c", "print(2 * 21)"]
            doubled = int(subprocess.run(command, capture_output=True, check=True).stdout)
        else:
            context = multiprocessing.get_context("spawn" if self._kind == "spawn" else "fork")
            work = _hang if self._kind == "hang" else _double
            with context.Pool(2) as pool:
                (doubled,) = pool.map(work, [(21, self._marks)])
        return Observation(seen.loss, seen.cost, "ok", seen.test_loss, {"doubled": doubled})


def _double(job: tuple[int, str | None]) -> int:
    number, marks = job
    if marks is not None:
        (Path(marks) / f"{os.getpid()}-0-{time.time_ns()}").touch()
    return 2 * number


def _hang(job: tuple[int, str | None]) -> int:
    doubled = _double(job)
    time.sleep(300)
    return doubled
