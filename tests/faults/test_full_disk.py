"""A run on a disk that fills up: one clear line, a whole trace, and it resumes with space."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.cli import call
from support.drivers import rows_in, trace_in
from support.tiny import without_clocks

pytestmark = pytest.mark.slow


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    mounted = tmp_path / "disk"
    mounted.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "untunable-test", str(mounted)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs root, and a container that allows it")
    yield mounted
    subprocess.run(["umount", str(mounted)], check=True)


@pytest.mark.parametrize("workers", [1, 20])
def test_a_disk_that_fills_up(workers: int, disk: Path, tmp_path: Path) -> None:
    arguments = ["method=random", "task=tiny", "budget.trials=400", "plot=false"]
    arguments.append(f"workers.n={workers}")
    space = disk / "something-else"
    space.write_bytes(bytes(100 << 10))  # what is left takes some 200 rows
    full = call(disk, *arguments)
    print(full.stderr)
    folder = trace_in(disk).path.parent.relative_to(disk)
    assert full.returncode == 1
    assert full.stderr.splitlines() == [
        "failed: OSError: [Errno 28] No space left on device "
        "(and error.txt could not be written: No space left on device)",
        "1 of 1 runs failed:",
        f"  {folder}",
    ]
    assert not list((disk / folder).glob("*.tmp"))
    before = trace_in(disk).path.read_bytes()
    kept = len(rows_in(disk))
    assert before.endswith(b"\n")
    assert 50 < kept < 400

    still = call(disk, *arguments)  # as full as before
    print(still.stderr)
    assert still.returncode == 1
    assert still.stderr.startswith("failed: OSError: [Errno 28] No space left on device")
    assert len(still.stderr.splitlines()) == 3
    assert trace_in(disk).path.read_bytes().startswith(before)

    space.unlink()
    subprocess.run(["mount", "-o", "remount,size=4m", str(disk)], check=True)
    again = call(disk, *arguments)
    assert again.returncode == 0, again.stderr
    assert trace_in(disk).path.read_bytes().startswith(before)
    whole = tmp_path / "whole"
    whole.mkdir()
    assert call(whole, *arguments).returncode == 0
    assert without_clocks(rows_in(disk)) == without_clocks(rows_in(whole))
    print(f"{workers} workers: full after {kept} trials; resumed, the trace is the unbroken one")


def test_a_disk_that_is_full_from_the_start(disk: Path) -> None:
    (disk / "something-else").write_bytes(bytes(128 << 10))
    with (disk / "the-rest").open("wb", 0) as file:
        while True:
            try:
                file.write(bytes(64))
            except OSError:
                break
    full = call(disk, "method=random", "task=tiny", "plot=false")
    print(full.stderr)
    assert full.returncode == 1
    assert full.stderr.startswith("failed: OSError: [Errno 28] No space left on device")
    assert "Traceback" not in full.stderr
    assert len(full.stderr.splitlines()) == 3
