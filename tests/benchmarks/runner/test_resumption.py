"""A run goes on whatever a power cut took from the ends of its files."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.budget import Budget
from benchmarks.core.protocols import Method, Task
from benchmarks.core.space import Config
from benchmarks.core.trial import History, Observation, Suggestion, Truth
from benchmarks.engines.virtual import Virtual
from benchmarks.runner import loop
from benchmarks.runner.resumption import resume
from benchmarks.runner.trace import Trace
from methods.asha import ASHA
from methods.hyperband import Hyperband
from methods.random_search import RandomSearch
from support.rows import ended_row, started_row, trial_row
from support.tiny import Tiny, without_clocks

FILES = ("trace.jsonl", "started.jsonl", "ended.jsonl")


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
    reproducible = False


def go(
    folder: Path, task: Task, trials: int, n: int = 1, rewind: bool = False, kind: Any = ASHA
) -> list[Any]:
    folder.mkdir(exist_ok=True)
    trace = Trace(folder / "trace.jsonl")
    state = resume(trace, task, rewind)
    engine = Virtual(task, 0, n, 0.25, state.now)
    method: Method = kind(task.space, task.fidelities)
    with trace.open(sync=False) as writer:
        loop.run(method, task, Budget(trials=trials), 0, writer, state, engine=engine)
    return trace.load()


def interrupted(folder: Path, task: Task, trials: int, n: int) -> None:
    """A run that stops when ``trials`` trials are in the trace, with others running."""
    trace = Trace(folder / "trace.jsonl")
    folder.mkdir(exist_ok=True)
    state = resume(trace, task)

    class StopError(Exception):
        pass

    def stop(_: object) -> None:
        if len(trace.load()) == trials:
            raise StopError

    engine = Virtual(task, 0, n, 0.25)
    method = ASHA(task.space, task.fidelities)
    with trace.open(sync=False) as writer, pytest.raises(StopError):
        loop.run(method, task, Budget(trials=99), 0, writer, state, stop, engine)


def cuts(path: Path) -> list[int]:
    """All bytes of the last two rows, and the ends of the others."""
    content = path.read_bytes()
    ends = [0, *itertools.accumulate(len(line) for line in content.splitlines(keepends=True))]
    return sorted({*ends, *range(ends[-3], len(content), 7)}, reverse=True)


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("file", FILES)
def test_a_replay_goes_on_to_the_unbroken_trace(file: str, workers: int, tmp_path: Path) -> None:
    whole = without_clocks(go(tmp_path / "whole", Counted(), 16, workers))
    interrupted(tmp_path / "cut", Counted(), 9, workers)
    contents = {name: (tmp_path / "cut" / name).read_bytes() for name in FILES}
    positions = cuts(tmp_path / "cut" / file)
    for position in positions:
        for name, content in contents.items():
            (tmp_path / "cut" / name).write_bytes(content[:position] if name == file else content)
        resumed = go(tmp_path / "cut", Counted(), 16, workers)
        assert without_clocks(resumed) == whole
    print(f"{file} cut at {len(positions)} places, {workers} workers: the unbroken trace each time")


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("file", FILES)
def test_no_training_whose_end_is_in_a_file_is_done_again(
    file: str, workers: int, tmp_path: Path
) -> None:
    interrupted(tmp_path / "cut", Trains(), 9, workers)
    contents = {name: (tmp_path / "cut" / name).read_bytes() for name in FILES}
    for position in cuts(tmp_path / "cut" / file):
        for name, content in contents.items():
            (tmp_path / "cut" / name).write_bytes(content[:position] if name == file else content)
        trace = Trace(tmp_path / "cut" / "trace.jsonl")
        stored = trace.read()
        task = Trains()
        rows = go(tmp_path / "cut", task, 16, workers)
        assert sorted(row["trial"] for row in rows) == list(range(16))
        done = [row["config"] for row in stored.rows]
        done += [started["config"] for started, _ in stored.pending]
        assert [row["config"] for row in rows][: len(done)] == done
        assert len(task.evaluated) == 16 - len(done)
        costs = [row["cumulative_cost"] for row in rows]
        assert costs == pytest.approx(np.cumsum([row["cost"] for row in rows]))


@pytest.mark.parametrize("kind", [RandomSearch, ASHA, Hyperband])
@pytest.mark.parametrize(("first", "workers"), [(7, 1), (7, 4), (12, 4), (13, 20)])
def test_a_raised_budget_gives_the_trace_of_the_larger_one(
    kind: Any, first: int, workers: int, tmp_path: Path
) -> None:
    whole = go(tmp_path / "whole", Counted(), 40, workers, kind=kind)
    go(tmp_path / "raised", Counted(), first, workers, kind=kind)
    raised = go(tmp_path / "raised", Counted(), 40, workers, rewind=workers > 1, kind=kind)
    assert without_clocks(raised) == without_clocks(whole)


def test_an_exception_after_a_training_costs_no_training(tmp_path: Path) -> None:
    class Fails(RandomSearch):
        broken = True

        def recommend(self, history: History, rng: np.random.Generator) -> Config | None:
            if self.broken and history.trials[-1].number == 3:
                raise ValueError("in recommend")
            return super().recommend(history, rng)

    class Lies(Trains):
        def truth(self, config: Config) -> Truth:
            if len(self.evaluated) == 2:
                raise ValueError("in truth")
            return super().truth(config)

    with pytest.raises(ValueError, match="in truth"):
        go(tmp_path, Lies(), 6, kind=RandomSearch)
    with pytest.raises(ValueError, match="in recommend"):
        go(tmp_path, Trains(), 6, kind=Fails)
    task = Trains()
    rows = go(tmp_path, task, 6, kind=RandomSearch)
    assert [row["trial"] for row in rows] == list(range(6))
    assert len(task.evaluated) == 2


def test_sums_are_computed_again_when_a_row_in_the_middle_is_lost(tmp_path: Path) -> None:
    go(tmp_path, Counted(), 6)
    trace = tmp_path / "trace.jsonl"
    lines = trace.read_bytes().splitlines(keepends=True)
    trace.write_bytes(b"".join([*lines[:2], *lines[3:]]))
    (tmp_path / "ended.jsonl").unlink()
    rows = go(tmp_path, Trains(), 8)
    assert sorted(row["trial"] for row in rows) == list(range(8))
    assert rows[-1]["cumulative_cost"] == pytest.approx(sum(row["cost"] for row in rows))


def test_a_method_sees_configs_that_it_cannot_change(tmp_path: Path) -> None:
    class Changes(RandomSearch):
        def suggest(self, history: History, rng: np.random.Generator) -> Suggestion:
            if len(history):
                history.trials[0].config["x"] = 0.5
            return super().suggest(history, rng)

    with pytest.raises(TypeError, match=r"read-only: change a copy, dict\(config\)"):
        go(tmp_path, Counted(), 3, kind=Changes)
    with pytest.raises(TypeError, match="read-only"):  # resumed, too
        go(tmp_path, Counted(), 3, kind=Changes)


def test_the_clock_goes_on_from_the_latest_reading(tmp_path: Path) -> None:
    trace = Trace(tmp_path / "trace.jsonl")
    with trace.open() as writer:
        for number in range(3):
            writer.start(started_row(number, start=float(number)))
        writer.append(trial_row(0, start=0.0, end=4.0))
        writer.end(ended_row(1, end=7.5))
    state = resume(trace, Tiny())
    assert state.now == 7.5
    assert [job.number for job in state.running] == [2]
    assert [done.job.number for done in state.pending] == [1]
    assert state.cumulative_cost == 1.0
    assert state.ended == 1
