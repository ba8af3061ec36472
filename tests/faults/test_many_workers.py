"""Many workers in virtual time through the command line; prints how long it took (-s)."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from support.cli import call
from support.drivers import rows_in

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("method", ["random", "asha"])
@pytest.mark.parametrize(
    ("task", "workers", "trials"), [("branin", 1000, 3000), ("cars_head", 20, 220)]
)
def test_virtual_workers(method: str, task: str, workers: int, trials: int, tmp_path: Path) -> None:
    command = [f"method={method}", f"task={task}", "plot=false", f"workers.n={workers}"]
    started = time.monotonic()
    done = call(tmp_path, *command, f"budget.trials={trials}", "workers.overhead=0")
    took = time.monotonic() - started
    rows = rows_in(tmp_path)
    spent, clock = sum(row["cost"] for row in rows), rows[-1]["end"]
    print(
        f"{method} on {task}, {workers} workers x {trials} trials: {took:.1f} s, "
        f"{spent:.3g} s of evaluations in {clock:.3g} s of virtual time"
    )
    assert done.returncode == 0, done.stderr
    assert sorted(row["trial"] for row in rows) == list(range(trials))
    assert {row["worker"] for row in rows} == set(range(workers))
    assert [row["end"] for row in rows] == sorted(row["end"] for row in rows)
