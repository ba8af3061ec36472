"""A run goes on whatever a power cut took from the end of one of its files; prints figures (-s).

By default the last two rows are cut at every 13th byte; at every byte where it is slow.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.budget import Budget
from benchmarks.core.protocols import Task
from benchmarks.engines.virtual import Virtual
from benchmarks.runner import loop
from benchmarks.runner.resumption import resume
from benchmarks.runner.trace import Trace
from methods.asha import ASHA
from support.resumed import Counted, Trains, go
from support.tiny import without_clocks

FILES = ("trace.jsonl", "started.jsonl", "ended.jsonl")
TRIALS, CUT_AFTER = 16, 9
pytestmark = [
    pytest.mark.parametrize("workers", [1, 4]),
    pytest.mark.parametrize("file", FILES),
    pytest.mark.parametrize("every", [13, pytest.param(1, marks=pytest.mark.slow)]),
]


def interrupted(folder: Path, task: Task, n: int) -> None:
    """A run that stops when ``CUT_AFTER`` trials are in the trace, with others running."""
    folder.mkdir()
    trace = Trace(folder / "trace.jsonl")
    state = resume(trace, task)

    class StopError(Exception):
        pass

    def stop(_: object) -> None:
        if len(trace.load()) == CUT_AFTER:
            raise StopError

    engine = Virtual(task, 0, n, 0.25)
    method = ASHA(task.space, task.fidelities)
    with trace.open(sync=False) as writer, pytest.raises(StopError):
        loop.run(method, task, Budget(trials=99), 0, writer, state, stop, engine)


def positions(content: bytes, every: int) -> list[int]:
    """The ends of all lines, and of the bytes of the last two rows each of so many."""
    ends = [0, *itertools.accumulate(len(line) for line in content.splitlines(keepends=True))]
    return sorted({*ends, *range(ends[-3], len(content), every)}, reverse=True)


def cuts(folder: Path, file: str, every: int) -> Iterator[int]:
    """Leave the folder's files as the power cut left them, each time with less of ``file``."""
    contents = {name: (folder / name).read_bytes() for name in FILES}
    for position in positions(contents[file], every):
        for name, content in contents.items():
            (folder / name).unlink()  # some file systems write a shortened file to the disk at once
            (folder / name).write_bytes(content[:position] if name == file else content)
        yield position


def test_a_replay_goes_on_to_the_unbroken_trace(
    file: str, workers: int, every: int, tmp_path: Path
) -> None:
    whole = without_clocks(go(tmp_path / "whole", Counted(), TRIALS, workers))
    folder, places = tmp_path / "cut", 0
    interrupted(folder, Counted(), workers)
    for position in cuts(folder, file, every):
        resumed = go(folder, Counted(), TRIALS, workers)
        assert without_clocks(resumed) == whole, f"{file} cut at byte {position}"
        places += 1
    print(f"{file} cut at {places} places, {workers} workers: the unbroken trace each time")
    assert places > CUT_AFTER


def test_no_training_whose_end_is_in_a_file_is_done_again(
    file: str, workers: int, every: int, tmp_path: Path
) -> None:
    folder, places, again = tmp_path / "cut", 0, 0
    interrupted(folder, Trains(), workers)
    for position in cuts(folder, file, every):
        said = f"{file} cut at byte {position}"
        stored, task = Trace(folder / "trace.jsonl").read(), Trains()
        rows = go(folder, task, TRIALS, workers)
        assert sorted(row["trial"] for row in rows) == list(range(TRIALS)), said
        done = [row["config"] for row in stored.rows]
        done += [started["config"] for started, _ in stored.pending]
        assert [row["config"] for row in rows][: len(done)] == done, said
        assert len(task.evaluated) == TRIALS - len(done), said
        costs = [row["cumulative_cost"] for row in rows]
        assert costs == pytest.approx(np.cumsum([row["cost"] for row in rows])), said
        places += 1
        again = max(again, len(task.evaluated) - (TRIALS - CUT_AFTER))
    print(
        f"{file} cut at {places} places, {workers} workers: "
        f"at most {again} of {CUT_AFTER} trainings lost and done again"
    )
    assert places > CUT_AFTER
