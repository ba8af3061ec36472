from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from threadpoolctl import threadpool_info

from benchmarks.recorder import cpu_speed as reference
from benchmarks.recorder.cpu_speed import load_and_steal, reference_seconds


def test_the_kernel_reports_cpu_seconds_of_this_thread_and_leaves_thread_counts_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reference, "ROUNDS", 1)
    threads = [pool["num_threads"] for pool in threadpool_info()]
    cpu, wall = time.thread_time(), time.perf_counter()
    measured = reference_seconds()
    assert 0 < measured <= time.thread_time() - cpu
    assert measured <= (time.perf_counter() - wall) * 1.01
    assert [pool["num_threads"] for pool in threadpool_info()] == threads


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="Linux only")
def test_steal_is_the_eighth_column_of_proc_stat_in_seconds() -> None:
    load, before = load_and_steal()
    steal = int(Path("/proc/stat").read_text().split("\n")[0].split()[8])
    _, after = load_and_steal()
    assert load >= 0
    assert before is not None
    assert after is not None
    assert before <= steal / os.sysconf("SC_CLK_TCK") <= after


def test_one_timing_serves_until_it_is_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(reference.time, "monotonic", lambda: now[0])
    timings = iter([1.0, 2.0, 3.0])
    speed = reference.Speed(lambda: next(timings))
    now[0] = reference.FRESH
    assert speed.seconds() == 1.0
    now[0] += 0.1
    assert speed.seconds() == 2.0
    now[0] += reference.FRESH
    assert speed.seconds() == 2.0
