from __future__ import annotations

import json
import math
import re
import resource
import signal
from pathlib import Path
from typing import Any

import pytest

from benchmarks.core.records import TrialRow
from benchmarks.runner.trace import Stored, Trace, trial_of
from support.rows import ended_row, started_row, trial_row


def row(number: int, **facts: Any) -> TrialRow:
    return trial_row(number, loss=number / 3, **facts)


def write(path: Path, count: int = 3) -> Trace:
    trace = Trace(path)
    with trace.open() as writer:
        for number in range(count):
            writer.append(row(number))
    return trace


def test_rows_come_back_exactly_and_appending_goes_on(tmp_path: Path) -> None:
    trace = write(tmp_path / "new" / "trace.jsonl")
    with trace.open() as writer:
        writer.append(row(3, config={"log_c": 1 / 3}))
    assert trace.load() == [row(0), row(1), row(2), row(3, config={"log_c": 1 / 3})]
    assert Trace(tmp_path / "none.jsonl").load() == []


def test_a_row_is_in_the_file_before_append_returns(tmp_path: Path) -> None:
    trace = Trace(tmp_path / "trace.jsonl")
    with trace.open() as writer:
        writer.append(row(0))
        assert trace.load() == [row(0)]


@pytest.mark.parametrize("torn", [b'{"tri', json.dumps(row(3)).encode(), b"\x00\x00"])
def test_a_torn_last_line_is_cut_off_the_file(torn: bytes, tmp_path: Path) -> None:
    trace = write(tmp_path / "trace.jsonl")
    whole = trace.path.read_bytes()
    trace.path.write_bytes(whole + torn)
    assert len(trace.load()) == 3
    assert trace.path.read_bytes() == whole
    with trace.open() as writer:
        writer.append(row(3))
    assert trace.load()[3] == row(3)


@pytest.mark.parametrize(
    ("damaged", "problem"),
    [
        (b"not JSON", "not the row of a trial: JSON is malformed"),
        (json.dumps(row(0)).encode(), "trial 0 is there twice"),
        (b'{"trial":12}', "missing required field"),
        (json.dumps(row(1) | {"trial": "1"}).encode(), "Expected `int`, got `str`"),
        (json.dumps(row(1) | {"cost": None}).encode(), "Expected `float`, got `null`"),
        (json.dumps(row(1) | {"cost": -1}).encode(), "Expected `float` >= 0"),
        (json.dumps(row(1) | {"fidelity": 1.5}).encode(), "Expected `float` <= 1"),
        (json.dumps(row(1) | {"status": "fine"}).encode(), "Invalid enum value 'fine'"),
        (b"[1]", "Expected `object`, got `array`"),
        (b"", "Input data was truncated"),
        (b"null", "Expected `object`, got `null`"),
    ],
)
def test_any_other_damage_is_refused_with_the_line(
    damaged: bytes, problem: str, tmp_path: Path
) -> None:
    trace = write(tmp_path / "trace.jsonl")
    lines = trace.path.read_bytes().splitlines()
    trace.path.write_bytes(b"\n".join([lines[0], damaged, lines[2]]) + b"\n")
    with pytest.raises(ValueError, match=rf"trace\.jsonl, line 2: .*{re.escape(problem)}"):
        trace.load()


def test_a_trial_is_running_until_its_evaluation_has_ended(tmp_path: Path) -> None:
    trace = Trace(tmp_path / "trace.jsonl")
    with trace.open() as writer:
        for number in range(5):
            writer.start(started_row(number, worker=number))
        for number in (2, 0, 3):
            writer.end(ended_row(number))
        for number in (2, 0):
            writer.append(row(number))
    assert trace.load() == [row(2), row(0)]
    stored = trace.read()
    assert stored.rows == [row(2), row(0)]
    assert stored.pending == [(started_row(3, worker=3), ended_row(3))]
    assert stored.running == [started_row(1, worker=1), started_row(4, worker=4)]
    assert stored.lost == []
    trace.forget_ended()
    assert [r["trial"] for r in trace.read().running] == [1, 3, 4]


def test_a_number_that_no_file_has_is_lost(tmp_path: Path) -> None:
    trace = Trace(tmp_path / "trace.jsonl")
    with trace.open() as writer:
        writer.start(started_row(0))
        writer.append(row(0))
        writer.append(row(3))
        writer.end(ended_row(2))  # without what was suggested it is of no use
    assert trace.read().lost == [1, 2]


def test_what_was_suggested_from_a_lost_end_is_dropped(tmp_path: Path) -> None:
    trace = Trace(tmp_path / "trace.jsonl")
    with trace.open() as writer:
        writer.append(row(0))
        for number, after in ((1, 1), (2, 1), (3, 2)):
            writer.start(started_row(number, after=after))
    assert [r["trial"] for r in trace.read().running] == [1, 2]
    with trace.open() as writer:
        writer.end(ended_row(1))
    assert [r["trial"] for r in trace.read().running] == [2, 3]


def test_files_are_shortened_to_what_is_kept(tmp_path: Path) -> None:
    trace = Trace(tmp_path / "trace.jsonl")
    with trace.open() as writer:
        for number in range(4):
            writer.start(started_row(number))
        for number in range(3):
            writer.end(ended_row(number))
            writer.append(row(number))
    trace.keep(Stored([row(0)], [], [started_row(1)]))
    assert trace.read() == Stored([row(0)], [], [started_row(1)], asked=1)
    assert [r["trial"] for r in trace.started()] == [0, 1]


def test_a_trial_whose_start_is_torn_was_not_started(tmp_path: Path) -> None:
    trace = Trace(tmp_path / "trace.jsonl")
    with trace.open() as writer:
        writer.start(started_row(0))
    with (tmp_path / "started.jsonl").open("ab") as file:
        file.write(b'{"trial":1')
    assert trace.read().running == [started_row(0)]


def test_the_latest_start_of_a_number_counts(tmp_path: Path) -> None:
    trace = Trace(tmp_path / "trace.jsonl")
    with trace.open() as writer:
        writer.start(started_row(0, config={"x": 0.1}))
        writer.start(started_row(0, config={"x": 0.2}))
    assert trace.read().running == [started_row(0, config={"x": 0.2})]


def test_a_loss_that_is_not_a_number_never_reaches_the_file(tmp_path: Path) -> None:
    trace = write(tmp_path / "trace.jsonl", 1)
    with trace.open() as writer, pytest.raises(ValueError, match="JSON"):
        writer.append({**row(1), "cost": math.nan})
    assert trace.load() == [row(0)]


def test_a_full_disk_leaves_whole_rows(tmp_path: Path) -> None:
    trace = Trace(tmp_path / "trace.jsonl")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with trace.open() as writer:
            writer.append(row(0))
            # a file that may not grow is refused as one on a full disk is, halfway through a row
            resource.setrlimit(resource.RLIMIT_FSIZE, (trace.path.stat().st_size + 10, limit[1]))
            with pytest.raises(OSError, match="too large"):
                writer.append(row(1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    assert trace.path.read_bytes().endswith(b"\n")
    assert trace.load() == [row(0)]


def test_a_trial_knows_no_test_loss_and_no_truth() -> None:
    facts = {"config": {"x": 1}, "fidelity": 0.5, "cost": 2.0, "status": "failed", "note": {"a": 1}}
    unknown = {"test_loss": 0.1, "true_loss": 0.2}
    trial = trial_of(trial_row(4, loss=None, suggest_overhead=3.0, **facts, **unknown))
    assert trial.overhead == 3.0
    assert math.isnan(trial.loss)
    assert (trial.number, trial.fidelity, trial.status, trial.note) == (4, 0.5, "failed", {"a": 1})
    assert "0.1" not in repr(trial)
    assert "0.2" not in repr(trial)
