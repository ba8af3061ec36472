"""A run goes on from what is in its files, whatever stopped it; power cuts are in tests/faults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.core.space import Config
from benchmarks.core.trial import History, Suggestion, Truth
from benchmarks.runner.resumption import resume
from benchmarks.runner.trace import Trace
from methods.asha import ASHA
from methods.hyperband import Hyperband
from methods.random_search import RandomSearch
from support.resumed import Counted, Trains, go
from support.rows import ended_row, started_row, trial_row
from support.tiny import Tiny, without_clocks


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
