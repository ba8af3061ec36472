"""Runs in virtual time that are stopped and resumed, and tasks that count what they evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.budget import Budget
from benchmarks.core.protocols import Method, Task
from benchmarks.core.space import Config
from benchmarks.core.trial import Observation
from benchmarks.engines.virtual import Virtual
from benchmarks.runner import loop
from benchmarks.runner.resumption import resume
from benchmarks.runner.trace import Trace
from methods.asha import ASHA
from support.tiny import Tiny


class Counted(Tiny):
    """Counts its evaluations; costs differ from config to config."""

    def __init__(self) -> None:
        super().__init__()
        self.evaluated: list[Config] = []

    def evaluate(self, config: Config, fidelity: float, rng: np.random.Generator) -> Observation:
        self.evaluated.append(config)
        seen = super().evaluate(config, fidelity, rng)
        return Observation(seen.loss, fidelity * (0.5 + config["x"]), "ok", seen.test_loss)


class Trains(Counted):
    """Gives no evaluation twice, as a real training."""

    reproducible = False


def go(
    folder: Path, task: Task, trials: int, n: int = 1, rewind: bool = False, kind: Any = ASHA
) -> list[Any]:
    """Run, or resume, with ``n`` virtual workers to the end of the budget; returns all rows."""
    folder.mkdir(exist_ok=True)
    trace = Trace(folder / "trace.jsonl")
    state = resume(trace, task, rewind)
    engine = Virtual(task, 0, n, 0.25, state.now)
    method: Method = kind(task.space, task.fidelities)
    with trace.open(sync=False) as writer:
        loop.run(method, task, Budget(trials=trials), 0, writer, state, engine=engine)
    return trace.load()
