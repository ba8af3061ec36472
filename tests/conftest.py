"""Options and fixtures for all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a stranger run the contract suites on a class of their own: ``--method=pkg.Class``."""
    for group in ("method", "task"):
        parser.addoption(
            f"--{group}",
            action="append",
            help=f"{group} to run the contract suites on: name of a YAML, or module.Class",
        )


@pytest.fixture(scope="session")
def data_dir() -> str:
    """The folder with the real data sets; skips the test where there is none."""
    named = os.environ.get("UNTUNABLE_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no data folder: {folder} is missing and UNTUNABLE_DATA is not set")
    return str(folder)
