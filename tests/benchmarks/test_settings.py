from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.compose import compose
from benchmarks.settings import ConfigError, parse_record, parse_run
from support.settings import composed, plain_settings, run_settings

CONF = Path(__file__).resolve().parents[2] / "conf"


def test_every_yaml_of_a_method_and_a_task_parses() -> None:
    for group in ("method", "task"):
        for path in sorted((CONF / group).glob("*.yaml")):
            settings = parse_run(composed(f"{group}={path.stem}"))
            assert getattr(settings, group).name == path.stem
            assert settings.plain[group] == {
                "_target_": getattr(settings, group).target,
                "name": path.stem,
                **getattr(settings, group).options,
            }


def test_every_experiment_parses() -> None:
    for path in sorted((CONF / "experiment").glob("*.yaml")):
        assert parse_run(compose("config", [f"experiment={path.stem}"])).study


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": -1}, "seed=-1: must be a whole number, 0 or more; sweep with -m"),
        ({"seed": "a"}, "seed=a: must be a whole number, 0 or more"),
        ({"seed": True}, "seed=True: must be a whole number"),
        ({"threads": 0}, "threads=0: must be a whole number, 1 or more"),
        ({"resume": "no"}, "resume=no: must be true or false"),
        ({"plot": 1}, "plot=1: must be true or false"),
        ({"allow": "mine"}, "allow=mine: must be a list"),
        ({"method": {"name": "x"}}, "method: its YAML needs a _target_"),
        ({"method": None}, "method=None: must be a group"),
        ({"task": {"_target_": "tasks.x"}}, "task: its YAML needs a name"),
        ({"task": {"_target_": "tasks.x", "name": "a/b"}}, "task.name=a/b: must be a name without"),
        ({"time_limit": "10m"}, "time_limit=10m: must be a positive number of seconds"),
        ({"time_limit": 0}, "time_limit=0: must be a positive number of seconds"),
        ({"results": None}, "results=None: must be a folder"),
        ({"study": "../../x"}, "study=../../x: must be a name without slashes"),
        ({"study": ".."}, "study=..: must be a name"),
        ({"workers": {"n": 0}}, "workers.n=0: must be a whole number, 1 or more"),
        ({"workers": {"m": 1}}, "unknown key workers.m"),
        ({"workers": {"engin": None}}, "unknown key workers.engin; did you mean 'engine'?"),
        ({"budget": {"trials": "many"}}, "budget.trials=many: must be a whole number"),
        ({"budget": {"cots": 3}}, "unknown key budget.cots; did you mean 'cost'?"),
    ],
)
def test_a_wrong_value_is_one_line(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        run_settings(**change)
    assert str(refused.value).startswith(message)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("group", ["workers", "budget"])
def test_a_number_in_place_of_a_group_names_its_keys(group: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{group}=20: must be a group: {group}\.\w+=NUMBER"):
        parse_run({**plain_settings(), group: 20})


def test_a_missing_setting_is_named() -> None:
    plain = plain_settings()
    del plain["seed"]
    with pytest.raises(ConfigError, match=r"^seed is missing$"):
        parse_run(plain)


def test_the_settings_of_a_recorder_are_checked_alike() -> None:
    plain = compose("record", ["task=svm_mnist"])
    assert parse_record(plain).design["stages"]
    with pytest.raises(ConfigError, match=r"^workers=0: must be a whole number, 1 or more"):
        parse_record({**plain, "workers": 0})
