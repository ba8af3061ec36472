from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.settings import ConfigError, build_task, check_settings, compose, locate

CONF = Path(__file__).resolve().parents[2] / "conf"


def test_every_method_and_task_composes() -> None:
    for group in ("method", "task"):
        for path in sorted((CONF / group).glob("*.yaml")):
            assert compose("config", [f"{group}={path.stem}"])[group]["name"] == path.stem


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


def test_targets_outside_our_packages_are_refused_unless_allowed() -> None:
    with pytest.raises(ConfigError, match=r"_target_=os\.system: allowed packages are methods"):
        locate("os.system", [])
    assert locate("os.path.join", ["os"]) is not None


def test_a_target_that_does_not_exist_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'RandomSearch'"):
        locate("methods.random_search.RandmSearch", [])
    with pytest.raises(ConfigError, match=r"No module named 'methods\.nothing'"):
        locate("methods.nothing.Method", [])


def test_unknown_options_and_bad_values_are_one_line() -> None:
    tiny = {"_target_": "support.tiny.Tiny", "name": "tiny"}
    with pytest.raises(ConfigError, match=r"^unknown key task\.lwo; did you mean 'low'\?"):
        build_task({**tiny, "lwo": 1}, ["support"])
    with pytest.raises(ConfigError, match=r"^task=tiny: fidelities must rise.*$"):
        build_task({**tiny, "low": 2.0}, ["support"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": -1}, "seed=-1"),
        ({"seed": "a"}, "seed=a"),
        ({"threads": 0}, "threads=0: must be a whole number"),
        ({"resume": "no"}, "resume=no: allowed are true, false"),
        ({"allow": "mine"}, "must be a list"),
        ({"method": {"name": "x"}}, "method: its YAML needs a _target_"),
        ({"task": {"_target_": "tasks.x"}}, "task: its YAML needs a name"),
    ],
)
def test_settings_of_the_wrong_kind_are_refused(change: dict[str, object], message: str) -> None:
    settings = compose("config", [])
    check_settings(settings)
    with pytest.raises(ConfigError, match=message):
        check_settings(settings | change)
