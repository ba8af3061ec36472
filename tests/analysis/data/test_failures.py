from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from analysis.data.archive import read_archive, write_archive
from analysis.data.failures import (
    LONGEST,
    failures_in,
    failures_of,
    failures_of_runs,
    reason_of,
    sentence,
    shorten,
)
from analysis.data.load import load_runs
from analysis.data.study import from_traces
from support.rows import trial_row
from support.studies import write_full_run


def fail(folder: Path, **errors: str) -> None:
    """Let trials of a run fail: numbers of trials with the first word of their status."""
    rows = [json.loads(line) for line in (folder / "trace.jsonl").read_text().splitlines()]
    for name, error in errors.items():
        status, number = name.split("_")
        changes: dict[str, Any] = {"status": status, "loss": None, "info": {"error": error}}
        rows[int(number)] |= changes
    (folder / "trace.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_a_reason_is_the_status_and_the_first_line_of_the_error() -> None:
    assert reason_of(trial_row(0)) == "none"
    assert reason_of(trial_row(0, status="diverged")) == "diverged: no reason given"
    error = {"error": "\n ValueError:  too   wide\x1b[31m\nmore"}
    assert reason_of(trial_row(0, status="failed", info=error)) == (
        "failed: ValueError: too wide [31m"
    )
    assert len(shorten("x" * 200)) == LONGEST


def test_reasons_are_counted_by_task_and_method_the_most_frequent_first() -> None:
    trials = [("t", "a", "none"), ("t", "b", "none"), *([("t", "b", "failed: E")] * 2)]
    trials += [("t", "b", "timeout: 9 s"), *(("u", "b", f"failed: {n}") for n in range(5))]
    first, second = failures_of(trials)
    assert (first.task, first.method, first.not_ok) == ("t", "b", 3)
    assert first.text == "3 of 4 trials not ok: 2 failed: E; 1 timeout: 9 s"
    assert second.listed[-1] == "2 for 2 other reasons"
    assert sentence([first, second], 1000) == (
        "8 of 1,000 trials were not ok (7 failed, 1 timeout); most often: failed: E (2 times). "
        "See the table of failed trials."
    )
    assert sentence(failures_of([("t", "a", "none")]), 1) is None


def test_traces_and_archive_agree(tmp_path: Path) -> None:
    folder = tmp_path / "runs/one/m/seed-0"
    write_full_run(folder)
    fail(folder, failed_1="E", timeout_2="E", failed_3="E")
    read = from_traces(tmp_path / "runs")
    assert read.selection.lines[1].startswith("3 of 12 trials were not ok (2 failed, 1 timeout)")
    write_archive(read.whole, read.runs, tmp_path / "a")
    table, _ = read_archive(tmp_path / "a")
    expected = failures_of_runs(load_runs(tmp_path / "runs"))
    assert failures_in(table) == failures_in(read.table) == expected
    assert expected[0].reasons == {"failed: E": 2, "timeout: E": 1}
    (old,) = failures_in(table.drop(columns="reason"))
    assert old.reasons == {
        "failed: reason not in the archive": 2, "timeout: reason not in the archive": 1,
    }  # fmt: skip
    assert failures_in(table[:0]) == []


def test_trials_beyond_the_budget_do_not_count(tmp_path: Path) -> None:
    folder = tmp_path / "one/m/seed-0"
    write_full_run(folder)
    fail(folder, failed_1="E", timeout_9="E")
    (some,) = failures_in(from_traces(tmp_path, budget=2).table)
    assert some.reasons == {"failed: E": 1}


def test_a_failed_run_is_listed_with_its_error(tmp_path: Path) -> None:
    for seed in (0, 1):
        error = "none of 12 trials was ok: failed: E"
        write_full_run(tmp_path / f"one/m/seed-{seed}", status="failed", error=error)
    with pytest.raises(ValueError, match=r"none of 2 runs has finished; the first error: one, m: "):
        from_traces(tmp_path)
    write_full_run(tmp_path / "one/m/seed-2")
    lines = from_traces(tmp_path).selection.lines
    assert f"one, m: seeds 0 to 1 failed, left out: {error}" in lines
