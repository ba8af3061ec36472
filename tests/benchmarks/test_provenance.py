from __future__ import annotations

import importlib.metadata
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from threadpoolctl import threadpool_limits

from benchmarks import provenance


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A git repository with one commit, in place of the project's."""
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    provenance.commit.cache_clear()
    (tmp_path / "a.txt").write_text("one")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=n", "-c", "user.email=e@x", "commit", "-qm", "first")
    yield tmp_path
    provenance.commit.cache_clear()


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_the_commit_and_whether_tracked_files_differ(repository: Path) -> None:
    (repository / "untracked.txt").write_text("does not count")
    head = git(repository, "rev-parse", "HEAD")
    assert provenance.commit() == {"commit": head, "dirty": False}
    provenance.commit.cache_clear()
    (repository / "a.txt").write_text("two")
    assert provenance.commit() == {"commit": head, "dirty": True}


def test_without_git_or_repository_the_commit_is_not_known(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("PATH", str(repository))
    assert provenance.commit() == {"commit": None, "dirty": None}
    monkeypatch.undo()
    monkeypatch.setattr(provenance, "ROOT", tmp_path_factory.mktemp("plain"))
    provenance.commit.cache_clear()
    assert provenance.commit() == {"commit": None, "dirty": None}


def test_versions_name_what_is_installed_and_nothing_else() -> None:
    found = provenance.versions(("numpy", "no-such-distribution"))
    assert set(found) == {"python", "numpy"}
    assert found["numpy"] == importlib.metadata.version("numpy")


def test_machine_facts_are_json_and_complete() -> None:
    facts = provenance.machine()
    assert json.loads(json.dumps(facts)) == facts
    assert facts["cpu"]
    assert facts["cores"] >= 1
    assert facts["memory_gib"] > 0


def test_threads_are_those_in_force_now() -> None:
    with threadpool_limits(1):
        pools = provenance.threads()
    assert pools
    assert {pool["num_threads"] for pool in pools} == {1}


def test_a_copy_inside_another_repository_has_no_commit(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "unpacked").mkdir()
    monkeypatch.setattr(provenance, "ROOT", repository / "unpacked")
    assert provenance.commit() == {"commit": None, "dirty": None}


def test_variables_of_git_do_not_name_another_repository(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    head = git(repository, "rev-parse", "HEAD")
    theirs = tmp_path_factory.mktemp("theirs")
    git(theirs, "init", "-q")
    monkeypatch.setenv("GIT_DIR", str(theirs / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(theirs))
    assert provenance.commit() == {"commit": head, "dirty": False}


def test_what_differs_between_parts_is_said() -> None:
    pool = {"internal_api": "openblas", "architecture": "Haswell", "num_threads": 1}
    before: Any = {
        "commit": "a",
        "dirty": False,
        "versions": {"numpy": "1"},
        "machine": {"cpu": "x"},
        "threads": [pool],
    }
    assert provenance.differences(before, before) == []
    now = {**before, "commit": "b", "dirty": True, "versions": {"numpy": "2"}}
    now |= {"machine": {"cpu": "y"}, "threads": [{**pool, "architecture": "Zen"}]}
    assert provenance.differences(before, now) == [
        "code: commit a, now b with uncommitted changes",
        "numpy 1, now 2",
        "CPU x, now y",
        "BLAS openblas Haswell, 1 threads, now openblas Zen, 1 threads",
    ]
