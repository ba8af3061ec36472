"""Options in YAMLs are stated, with a default, where methods and tasks are built.

A later option then leaves old runs what they are: at its default it is no other version.
"""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from benchmarks.components import HOURS, locate, options_at_default
from benchmarks.settings import Component, parse_component
from support.settings import composed

CONF = Path(__file__).resolve().parents[1] / "conf"
YAMLS = [(g, path.stem) for g in ("method", "task") for path in sorted(CONF.glob(f"{g}/*.yaml"))]
REQUIRED = {
    "tasks.Cars": {"space", "backbone", "train"},
    "tasks.Command": {"command", "space"},
    "tasks.Declared": {"space"},
    "tasks.cars_task": {"space", "backbone", "train"},
    "tasks.cnn_fashion": {"space"},
    "tasks.gbm_covertype": {"space"},
    "tasks.lm_shakespeare": {"space"},
    "tasks.svm_task": {"data", "dataset"},
}
"""options that say what a task is, and so have no default"""


def component(group: str, name: str) -> Component:
    return parse_component(group, composed(f"{group}={name}")[group])


@pytest.mark.parametrize(("group", "name"), YAMLS)
def test_every_option_of_a_yaml_is_a_parameter_with_a_default(group: str, name: str) -> None:
    settings = component(group, name)
    parameters = inspect.signature(locate(settings.target, [])).parameters
    options = settings.options.keys() - {HOURS}  # of every task
    assert all(p.kind is not inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    assert options <= parameters.keys()
    without = {
        option for option in options if parameters[option].default is inspect.Parameter.empty
    }
    assert without == REQUIRED.get(settings.target, set())


def test_options_of_the_live_task_are_told_apart_from_their_defaults() -> None:
    at_default = options_at_default(component("task", "svm_letter"), [])
    assert {"backend", "timings", "time_limit", "test"} <= set(at_default)
    assert not {"data", "scale", "rows_per_class", "min_fidelity"} & set(at_default)
