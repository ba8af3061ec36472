"""The names that YAMLs and users have for our classes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import methods
import tasks
from benchmarks.components import locate
from benchmarks.old_names import OLD_NAMES

CONF = Path(__file__).resolve().parents[1] / "conf"


@pytest.mark.parametrize("package", [methods, tasks])
def test_every_public_name_can_be_had(package: object) -> None:
    names = dir(package)
    assert names
    for name in names:
        assert callable(getattr(package, name)), name


@pytest.mark.parametrize("package", ["methods", "tasks"])
def test_importing_a_package_imports_none_of_its_modules(package: str) -> None:
    code = f"import sys, {package}; print([m for m in sys.modules if m.startswith('{package}.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_yamls_name_public_names() -> None:
    allowed = {f"{p.__name__}.{name}" for p in (methods, tasks) for name in dir(p)}
    for path in [*CONF.glob("method/*.yaml"), *CONF.glob("task/*.yaml")]:
        target = yaml.safe_load(path.read_text()).get("_target_")
        assert target is None or target in allowed, path


def test_another_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="'methods' has no attribute 'Fabulous'"):
        _ = methods.Fabulous
    with pytest.raises(AttributeError, match="'tasks' has no attribute 'SVN'"):
        _ = tasks.SVN


@pytest.mark.parametrize("old", sorted(OLD_NAMES))
def test_an_old_name_works_and_says_the_new_one(
    old: str, capsys: pytest.CaptureFixture[str]
) -> None:
    new = OLD_NAMES[old]
    assert locate(old, []) is locate(new, []) is locate(old, [])
    assert capsys.readouterr().err == (
        f"_target_={old} is now {new}; the next version drops the old\n"
    )
