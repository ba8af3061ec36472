"""Which methods and tasks the contract suites run on: all of conf/, and what the caller names."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

CONF = Path(__file__).resolve().parents[2] / "conf"
DECLARED = ("declared",)
"""tasks that are evaluated by others, who ask and tell"""
REFERENCES = ("emukit_es", "emukit_fabolas", "emukit_mes", "gpy_ei")
"""methods of other packages, which take long for a run: tests of whole runs are slow"""

WRAPPED = "support.scaled.cars_head_in_hours"
"""a task behind the wrapper of an option that every task has"""


def is_preset(name: str) -> bool:
    """Return True if a method's YAML only says how it differs from that of another method.

    Its tests are those of that method; not every task offers what it is set to.
    """
    return "defaults" in yaml.safe_load((CONF / "method" / f"{name}.yaml").read_text())


def chosen(group: str, config: pytest.Config) -> list[str]:
    """Names of the methods or tasks to run on."""
    names = sorted(path.stem for path in (CONF / group).glob("*.yaml"))
    if group == "method":
        names = [name for name in names if not is_preset(name)]
    else:
        names = [*(name for name in names if name not in DECLARED), WRAPPED]
    return config.getoption(f"--{group}") or names


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for group in ("method", "task"):
        fixture = f"{group}_name"
        if fixture in metafunc.fixturenames:
            names = chosen(group, metafunc.config)
            metafunc.parametrize(
                fixture,
                [pytest.param(name, marks=_marks(name, metafunc.definition)) for name in names],
                scope="module",
            )


@pytest.fixture(scope="session")
def all_methods(pytestconfig: pytest.Config) -> tuple[str, ...]:
    """Names of all methods that the suites run on."""
    return tuple(chosen("method", pytestconfig))


def _marks(name: str, test: pytest.Function) -> list[pytest.MarkDecorator]:
    """Let one worker of pytest-xdist run all tests of a method or task: they share what it did."""
    marks = [pytest.mark.xdist_group(name)]
    if name in REFERENCES and test.get_closest_marker("whole_runs"):
        marks.append(pytest.mark.slow)
    return marks
