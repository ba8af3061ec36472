from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.lock import FolderLock, LockedError

ROOT = Path(__file__).resolve().parents[2]
HOLD = (
    "import sys, time; from pathlib import Path; from benchmarks.lock import FolderLock\n"
    "with FolderLock(Path(sys.argv[1])): print('held', flush=True); time.sleep(300)\n"
)


def holder(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_holder_is_refused_and_a_killed_one_frees_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    with holder(path) as process:
        with pytest.raises(LockedError) as refused, FolderLock(path):
            pass
        assert str(refused.value) == f"{tmp_path} is in use by another process"
        process.send_signal(signal.SIGKILL)
        process.wait()
    with FolderLock(path):
        pass
    assert [left.name for left in tmp_path.iterdir()] == ["run.lock"]  # and nothing beside it


def test_it_is_free_after_the_block_also_after_an_error(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    with pytest.raises(KeyError), FolderLock(path):
        raise KeyError
    with FolderLock(path), pytest.raises(LockedError), FolderLock(path):
        pass
