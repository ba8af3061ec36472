from __future__ import annotations

import inspect
from typing import Any

import pytest

from benchmarks.core.protocols import Task
from support.tiny import Tiny
from tasks.training.source import factory_of, with_options_of


@with_options_of(Tiny)
def tiny(name: str, low: float = 0.5, **options: Any) -> Task:
    """Build Tiny."""
    made = Tiny(low, **options)
    made.caption = name
    return made


def test_the_options_of_the_live_task_are_in_the_signature_with_their_defaults() -> None:
    parameters = inspect.signature(tiny).parameters
    assert list(parameters) == ["name", "low", "values", "nominal"]
    assert parameters["name"].default is inspect.Parameter.empty
    assert parameters["low"].default == 0.5  # of the factory, which has the last word
    assert parameters["values"].default is None
    assert tiny.__doc__ == "Build Tiny."


def test_options_reach_the_live_task() -> None:
    made = tiny("its name", values=(0.25, 1.0))
    assert made.caption == "its name"
    assert made.fidelities.values == (0.25, 1.0)


def test_another_option_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ValueError, match=r"^unknown key task\.vales; did you mean 'values'\?$"):
        tiny("its name", vales=(1.0,))


def test_a_factory_builds_the_live_task_or_asks_for_a_table() -> None:
    class Spaced(Tiny):
        def __init__(self, space: Any, low: float = 0.5) -> None:
            super().__init__(low)

    factory = factory_of(Spaced, ("low",))
    assert list(inspect.signature(factory).parameters) == [
        *("space", "source", "table", "surrogate", "low"),
    ]
    assert factory({}, source="live", low=0.25).fidelities.low == 0.25
    with pytest.raises(ValueError, match=r"^task\.source=lives: .*did you mean 'live'"):
        factory({}, source="lives")
    with pytest.raises(ValueError, match=r"^task\.table=None: no curves are recorded"):
        factory({})
