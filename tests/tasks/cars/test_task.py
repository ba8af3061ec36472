from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.compose import compose
from support.curves import EPOCHS, SPACE
from tasks.cars.task import cars_task
from tasks.replay.curves import RecordedCurves

SMALL: dict[str, Any] = {"space": SPACE.spec(), "backbone": None, "train": None}


@pytest.fixture
def path(curve_table: Path) -> str:
    """A recording of 7 epochs, of what a linear head is not."""
    return str(curve_table)


def test_by_default_it_replays(path: str) -> None:
    task = cars_task(table=path, **SMALL)
    assert isinstance(task, RecordedCurves)
    assert len(task.fidelities.values or ()) == EPOCHS
    config = SPACE.sample(np.random.default_rng(0))
    assert task.evaluate(config, 1.0, np.random.default_rng(0)).status == "ok"


def test_options_of_the_replay_reach_it(path: str) -> None:
    baseline = SPACE.sample(np.random.default_rng(0))
    options = {"surrogate": "boosting", "resume_training": True, "baseline": baseline}
    task = cars_task(table=path, **SMALL, **options)
    assert isinstance(task, RecordedCurves)
    assert task.identity["surrogate"] == "boosting"
    assert task.fidelities.resumable
    assert task.baseline == baseline


def test_multitask_needs_the_epochs_of_the_talk(path: str) -> None:
    with pytest.raises(ValueError, match=r"^epochs \[4, 18, 35\]: the last must be 7, "):
        cars_task(table=path, fidelity="multitask", **SMALL)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": "recorder"}, r"^task.source=recorder: .*recorded"),
        ({"surogate": "boosting"}, r"^unknown key task.surogate"),
        ({"image_sise": 224}, r"^unknown key task.image_sise.*image_size"),
        ({"image_size": 32}, r"^task.image_size=32: no such trainings are recorded; set task.so"),
        ({"train_share": 0.25}, r"^task.train_share=0.25: no such trainings are recorded"),
        ({"protocol": "talk"}, r"^task.protocol=talk: no such trainings"),
        ({"cache_features": False}, r"^task.cache_features=False: no such trainings"),
        ({"weights": "random"}, r"^task.weights=random: no such trainings are recorded; set task"),
        ({"device": "cuda"}, r"^task.device=cuda: no such trainings are recorded"),
        ({"fidelity": "epoch"}, r"^task.fidelity=epoch: .*epochs"),
        ({"table": None}, r"^task.table=None: no curves are recorded"),
        ({"space": {"rate": {"kind": "float", "low": 0, "high": 1}}}, r"^task.space: differs"),
    ],
)
def test_what_was_not_recorded_is_refused_in_one_line(
    options: dict[str, Any], message: str, path: str
) -> None:
    with pytest.raises(ValueError, match=message) as error:
        cars_task(**{**SMALL, "table": path, **options})
    assert "\n" not in str(error.value)


def test_all_training_photos_are_what_was_recorded(path: str) -> None:
    assert isinstance(cars_task(table=path, train_share=1.0, **SMALL), RecordedCurves)


def test_the_yaml_of_cars_head_names_all_options() -> None:
    settings = compose("config", ["task=cars_head"])["task"]
    assert settings["source"] == "recorded"
    assert settings["surrogate"] is None
