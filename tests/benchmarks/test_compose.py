from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.compose import compose
from benchmarks.settings import ConfigError
from support.settings import composed

CONF = Path(__file__).resolve().parents[2] / "conf"


def test_every_method_and_task_composes() -> None:
    for group in ("method", "task"):
        for path in sorted((CONF / group).glob("*.yaml")):
            assert composed(f"{group}={path.stem}")[group]["name"] == path.stem


def test_every_design_composes_with_its_task() -> None:
    for path in sorted((CONF / "design").glob("*.yaml")):
        # the same task by another backend, or on another data set
        task = path.stem.removesuffix("_sklearn").removesuffix("_sensit")
        settings = compose("record", [f"task={task}", f"design={path.stem}"])
        assert settings["design"]["stages"]
        if task == path.stem:
            assert compose("record", [f"task={task}"]) == settings


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["task=svm_mnits"], r"task=svm_mnits: allowed are .*did you mean 'svm_mnist'\?"),
        (["method=fabolass"], r"method=fabolass: allowed are .*did you mean 'fabolas'\?"),
        (["budget=defualt"], r"budget=defualt: allowed are default; did you mean 'default'\?"),
    ],
)
def test_a_wrong_choice_names_the_nearest_and_what_is_allowed(
    overrides: list[str], message: str
) -> None:
    with pytest.raises(ConfigError, match=f"^{message}"):
        compose("config", overrides)
