"""Which methods and tasks the contract suites run on: all of conf/, and what the caller names."""

from __future__ import annotations

from pathlib import Path

import pytest

CONF = Path(__file__).resolve().parents[2] / "conf"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for group in ("method", "task"):
        fixture = f"{group}_name"
        if fixture in metafunc.fixturenames:
            names = sorted(path.stem for path in (CONF / group).glob("*.yaml"))
            named = metafunc.config.getoption(f"--{group}") or []
            metafunc.parametrize(fixture, named or names)
