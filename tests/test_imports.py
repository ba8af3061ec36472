"""The import contract of pyproject.toml holds, and breaks where a wrong import is planted."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("importlinter", reason="pip install -e '.[dev]'")
pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("analysis", "benchmarks", "methods", "tasks")


def lint(folder: Path) -> str:
    """Return what ``lint-imports`` says of a copy of the packages."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    done = subprocess.run(
        [*command, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == int("0 broken" not in done.stdout), done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__", "tables")
        shutil.copytree(ROOT / package, folder / package, ignore=ignored)
    return folder


def test_the_contract_is_kept(copy: Path) -> None:
    assert " 0 broken" in lint(copy)


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("methods/fabolas.py", "tasks.svm"),
        ("methods/models/gp.py", "methods.bayesian.model_based"),
        ("methods/random_search.py", "benchmarks.settings"),
        ("methods/random_search.py", "benchmarks.runner.trace"),
        ("tasks/svm.py", "methods.fabolas"),
        ("tasks/svm.py", "benchmarks.provenance"),
        ("tasks/replay/table.py", "tasks.training.live"),
        ("tasks/cars/live.py", "tasks.language_model.text"),
        ("benchmarks/core/space.py", "benchmarks.settings"),
        ("benchmarks/engines/base.py", "benchmarks.runner.loop"),
        ("benchmarks/runner/trace.py", "benchmarks.recorder.raw_rows"),
        ("analysis/data/load.py", "benchmarks.runner.trace"),
        ("analysis/figures/ranks.py", "analysis.page.tables"),
    ],
)
def test_a_planted_import_breaks_it(copy: Path, module: str, imported: str) -> None:
    file = copy / module
    before = file.read_text()
    try:
        file.write_text(f"{before}\nimport {imported}\n")
        assert " 0 broken" not in lint(copy)
    finally:
        file.write_text(before)
