from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.budget import Budget
from benchmarks.core.protocols import Method, Task
from benchmarks.core.records import EndedRow, StartedRow, TrialRow
from benchmarks.core.space import Config
from benchmarks.core.trial import Fidelities, History, Observation, Suggestion
from benchmarks.engines.base import Job
from benchmarks.engines.virtual import Virtual
from benchmarks.runner import loop
from benchmarks.runner.resumption import resume
from benchmarks.runner.trace import Trace, TraceWriter
from methods.asha import ASHA
from methods.hyperband import Hyperband
from methods.random_search import RandomSearch
from support.tiny import Tiny, without_clocks


class Listed(Method):
    """Suggests listed fidelities, which are costs on ``Tiny``; None where it is to wait."""

    def __init__(self, shares: list[float], waits_for: Mapping[int, int] | None = None) -> None:
        self.shares, self.waits_for = shares, waits_for or {}
        self.seen: list[list[str]] = []

    def suggest(self, history: History, rng: np.random.Generator) -> Suggestion | None:
        number = len(history)
        needed = self.waits_for.get(number)
        if needed is not None and history.trials[needed].status == "running":
            return None
        self.seen.append([trial.status for trial in history])
        return Suggestion({"x": 0.1 + 0.01 * number, "y": 0.5}, self.shares[number])

    def recommend(self, history: History, rng: np.random.Generator) -> Config | None:
        return None


class KilledError(Exception):
    """The run is killed."""


class Killed(TraceWriter):
    """Dies instead of writing the ``dies``-th line of any file."""

    def __init__(self, trace: Trace, dies: int) -> None:
        names = ("trace.jsonl", "started.jsonl", "ended.jsonl")
        first, second, third = (trace.path.with_name(name) for name in names)
        super().__init__((first, second, third), sync=False)
        self._left = dies

    def start(self, row: StartedRow) -> None:
        self._count()
        super().start(row)

    def end(self, row: EndedRow) -> None:
        self._count()
        super().end(row)

    def append(self, row: TrialRow) -> None:
        self._count()
        super().append(row)

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise KilledError


def go(
    folder: Path,
    method: Method,
    task: Task,
    n: int,
    budget: Budget,
    overhead: float | None = 0.25,
    dies: int | None = None,
) -> list[dict[str, Any]]:
    trace = Trace(folder / "trace.jsonl")
    folder.mkdir(parents=True, exist_ok=True)
    state = resume(trace, task)
    engine = Virtual(task, 0, n, overhead, state.now)
    with trace.open(sync=False) if dies is None else Killed(trace, dies) as writer:
        loop.run(method, task, budget, 0, writer, state, engine=engine)
    return trace.load()


def times(rows: list[dict[str, Any]]) -> list[tuple[int, int, float, float]]:
    return [(row["trial"], row["worker"], row["start"], row["end"]) for row in rows]


def test_two_workers_by_hand(tmp_path: Path) -> None:
    method = Listed([1.0, 0.5, 0.5, 1.0])
    rows = go(tmp_path, method, Tiny(), 2, Budget(trials=4))
    # suggestions take 0.25 one after another; a worker that is done waits for the next one
    assert times(rows) == [
        (1, 1, 0.5, 1.0),
        (0, 0, 0.25, 1.25),
        (2, 1, 1.25, 1.75),
        (3, 0, 1.5, 2.5),
    ]
    assert method.seen == [[], ["running"], ["running", "ok"], ["ok", "ok", "running"]]
    assert [row["cumulative_cost"] for row in rows] == [0.5, 1.5, 2.0, 3.0]


def test_what_ends_while_the_method_thinks_is_seen_afterwards(tmp_path: Path) -> None:
    method = Listed([0.5, 0.5, 0.5])
    rows = go(tmp_path, method, Tiny(), 3, Budget(trials=3), overhead=1.0)
    assert method.seen == [[], ["running"], ["ok", "running"]]
    assert times(rows) == [(0, 0, 1.0, 1.5), (1, 1, 2.0, 2.5), (2, 0, 3.0, 3.5)]


def test_a_method_that_waits_is_asked_again_when_a_trial_has_ended(tmp_path: Path) -> None:
    method = Listed([1.0, 0.5, 0.5], waits_for={2: 0})
    rows = go(tmp_path, method, Tiny(), 2, Budget(trials=3), overhead=0.0)
    assert times(rows) == [(1, 1, 0.0, 0.5), (0, 0, 0.0, 1.0), (2, 0, 1.0, 1.5)]


def test_nothing_to_suggest_and_nothing_running_ends_the_run(tmp_path: Path) -> None:
    class Silent(Listed):
        def suggest(self, history: History, rng: np.random.Generator) -> Suggestion | None:
            return None

    with pytest.raises(loop.MethodError, match="returned None with no trial running"):
        go(tmp_path, Silent([]), Tiny(), 2, Budget(trials=3))


def test_what_runs_when_the_budget_is_spent_ends_and_is_charged(tmp_path: Path) -> None:
    rows = go(tmp_path, RandomSearch(Tiny.space, Fidelities()), Tiny(), 4, Budget(cost=5))
    assert len(rows) == 8  # four more had been started when the fifth ended
    assert [row["cumulative_cost"] > 5 for row in rows] == [False] * 5 + [True] * 3


METHODS = {
    "random": lambda task: RandomSearch(task.space, task.fidelities),
    "asha": lambda task: ASHA(task.space, task.fidelities),
    "hyperband": lambda task: Hyperband(task.space, task.fidelities),
}


class Uneven(Tiny):
    """Costs differ from config to config; some evaluations fail."""

    def evaluate(self, config: Config, fidelity: float, rng: np.random.Generator) -> Observation:
        if config["y"] < 0.1:
            raise ValueError("fails on purpose")
        seen = super().evaluate(config, fidelity, rng)
        return Observation(seen.loss, fidelity * (0.5 + config["x"]), "ok", seen.test_loss)


@pytest.mark.parametrize("name", METHODS)
def test_all_workers_are_used_and_no_more(name: str, tmp_path: Path) -> None:
    task = Uneven()
    rows = go(tmp_path, METHODS[name](task), task, 5, Budget(trials=60), overhead=0.001)
    events = sorted(
        [(row["start"], 1, row["worker"]) for row in rows]
        + [(row["end"], 0, row["worker"]) for row in rows]
    )
    busy: set[int] = set()
    most = 0
    for _, starts, worker in events:
        if starts:
            assert worker not in busy
            busy.add(worker)
        else:
            busy.remove(worker)
        most = max(most, len(busy))
    assert most == 5
    assert [row["end"] for row in rows] == sorted(row["end"] for row in rows)


@pytest.mark.parametrize("name", METHODS)
def test_killed_anywhere_and_resumed_it_writes_the_unbroken_trace(
    name: str, tmp_path: Path
) -> None:
    task, budget = Uneven(), Budget(trials=20)
    whole = go(tmp_path / "whole", METHODS[name](task), task, 3, budget)
    for dies in range(60):
        folder = tmp_path / str(dies)
        with pytest.raises(KilledError):
            go(folder, METHODS[name](task), task, 3, budget, dies=dies)
        resumed = go(folder, METHODS[name](task), task, 3, budget)
        assert json.dumps(without_clocks(resumed)) == json.dumps(without_clocks(whole))


def test_measured_overhead_moves_the_clock_by_what_it_took(tmp_path: Path) -> None:
    task = Tiny()
    rows = go(tmp_path, METHODS["random"](task), task, 1, Budget(trials=5), overhead=None)
    spent = sum(row["suggest_overhead"] for row in rows)
    assert rows[-1]["end"] == pytest.approx(5 + spent, abs=1e-12)


def test_a_job_comes_back_from_its_row() -> None:
    suggestion = Suggestion({"x": 0.5, "y": 0.25}, 0.5, {"rung": 1})
    job = Job(3, suggestion, 0.1, 2, 1.5, "2026-11-25T00:00:00+00:00", 1, 0.25)
    assert Job.of(json.loads(json.dumps(job.row()))) == job


def test_a_thousand_workers(tmp_path: Path) -> None:
    task = Uneven()
    rows = go(tmp_path, METHODS["random"](task), task, 1000, Budget(trials=3000), overhead=0.0)
    assert sorted(row["trial"] for row in rows) == list(range(3000))
    assert len({row["worker"] for row in rows}) == 1000
