"""What a user's class says of itself is checked before anything is trained."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from benchmarks.components import build_method, build_task
from benchmarks.facts import FactError, check_facts
from benchmarks.settings import ConfigError
from methods.random_search import RandomSearch
from support.tiny import Tiny


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("best_loss", math.nan), ("best_loss", "low"), ("target_cost", 0.0)),
        *(("target_cost", -1.0), ("target_cost", math.inf), ("loss_floor", -1.0)),
        *(("loss_floor", None), ("resolution", math.nan), ("caption", None), ("sizes", 3)),
        *(("version", "1.0"), ("version", True), ("reproducible", "no"), ("maximise", 1)),
        *(("space", {"x": (0, 1)}), ("fidelities", (0.5, 1.0)), ("isolated", None)),
    ],
)
def test_a_fact_of_a_task_that_cannot_be_is_one_line(name: str, value: Any) -> None:
    task = Tiny()
    setattr(task, name, value)
    with pytest.raises(FactError, match=rf"^Tiny\.{name}=.*: must be ") as raised:
        check_facts(task)
    assert "\n" not in str(raised.value)


def test_numbers_of_numpy_are_numbers() -> None:
    task = Tiny()
    for name in ("best_loss", "target_cost", "loss_floor"):
        setattr(task, name, np.float32(0.5))
    task.version = np.int64(2)  # type: ignore[assignment]
    check_facts(task)


def test_a_fact_of_a_method_is_checked_too() -> None:
    method = RandomSearch(Tiny.space, Tiny().fidelities)
    method.version = 1.5  # type: ignore[assignment]
    with pytest.raises(FactError, match=r"RandomSearch\.version=1\.5: must be a whole number"):
        check_facts(method)


class Lazy(Tiny):
    @property
    def best_loss(self) -> float:  # type: ignore[override]
        raise OSError("no file\nhere")


class NoSpace(Tiny):
    space = None  # type: ignore[assignment]


class NoFlag(RandomSearch):
    reproducible = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("Lazy", r"task=own: Lazy\.best_loss: must be a finite number, or None \(OSError: no"),
        ("NoSpace", r"task=own: NoSpace\.space=None: must be a Space"),
    ],
)
def test_a_task_is_checked_where_it_is_built(kind: str, says: str) -> None:
    settings = {"_target_": f"{__name__}.{kind}", "name": "own"}
    with pytest.raises(ConfigError, match=says):
        build_task(settings, [__name__.partition(".")[0]])


def test_a_method_is_checked_where_it_is_built() -> None:
    settings = {"_target_": f"{__name__}.NoFlag", "name": "own"}
    with pytest.raises(ConfigError, match=r"method=own: NoFlag\.reproducible=None"):
        build_method(settings, [__name__.partition(".")[0]], Tiny.space, Tiny().fidelities)
