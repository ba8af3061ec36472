from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.components import build_task
from benchmarks.compose import compose
from benchmarks.settings import ConfigError

CONFIG: dict[str, Any] = {
    "learning_rate": 0.003,
    "weight_decay": 0.01,
    "one_minus_beta2": 0.01,
    "batch_size": 8,
    "width": 32,
    "layers": 1,
    "dropout": 0.1,
    "warmup": 0.2,
    "final_rate": 0.1,
}
SMALL = ["task=lm_shakespeare", "task.characters=5000", "task.steps=27", "task.subset_tokens=128"]


def task(data_dir: str, *overrides: str) -> Any:
    pytest.importorskip("torch")
    settings = compose("config", [*SMALL, f"task.data_dir={data_dir}", *overrides])
    return build_task(settings["task"], [])


def test_a_continued_training_is_charged_the_difference(data_dir: str, tmp_path: Path) -> None:
    made = task(data_dir, "task.resume_training=true", f"task.checkpoint_dir={tmp_path}")
    shares = made.fidelities.values
    part = made.evaluate(CONFIG, shares[8], np.random.default_rng(0))
    on = made.resume(CONFIG, shares[8], shares[17], np.random.default_rng(0))
    whole = made.evaluate(CONFIG, shares[17], np.random.default_rng(0))
    last = made.evaluate(CONFIG, shares[16], np.random.default_rng(0))
    made.close()
    assert on.info["continued_from"] == 9
    assert on.loss == whole.loss
    assert [s for s, _ in whole.curve] == list(shares[:17])
    assert on.curve == whole.curve[9:]
    assert whole.curve[16] == (shares[16], last.loss)
    assert whole.curve[:8] == part.curve
    assert on.info["restart_cost"] == pytest.approx(part.cost + on.cost)
    assert len(list(tmp_path.glob("*.pt"))) == 3


def test_the_recorder_gets_the_whole_curve(data_dir: str) -> None:
    made = task(data_dir)
    observation = made.evaluate_replicate(CONFIG, 1.0, 2)
    assert made.reference_seconds() > 0.001
    made.close()
    curve = observation.info["curve"]
    assert len(curve["loss"]) == len(curve["cost"]) == 27
    assert curve["loss"][-1] == observation.loss
    assert curve["test_loss"][-1] == observation.test_loss
    assert curve["cost"][-1] == observation.cost
    assert observation.info["references"] == []
    assert observation.info["training_seed"] == 2


def test_a_training_over_its_time_limit_is_charged_at_it(data_dir: str) -> None:
    made = task(data_dir, "task.time_limit=0.01")
    observation = made.evaluate(CONFIG, 1.0, np.random.default_rng(0))
    made.close()
    assert observation.status == "timeout"
    assert math.isnan(observation.loss)
    assert observation.cost == 0.01


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("task.steps=28", r"task\.steps=28: must be a multiple of 27"),
        ("task.subset_tokens=100", r"task\.subset_tokens=100: must be a multiple of 64"),
        ("task.characters=10", r"task\.characters=10: must be a whole number, 2000 or more"),
        ("task.training_seeds=0", r"task\.training_seeds=0: must be a whole number, 1 or more"),
        ("task.resume_training=2", r"task\.resume_training=2: allowed are true, false"),
        ("task.time_limit=0", r"task\.time_limit=0: must be positive"),
        ("task.data_dir=/nowhere", r"no file tinyshakespeare\.txt in the data folder /nowhere"),
        ("task.source=replayed", r"task\.source=replayed: allowed are recorded, live"),
        ("task.table=null", r"task\.table=None: no curves are recorded"),
    ],
)
def test_bad_options_are_one_clear_line(data_dir: str, override: str, says: str) -> None:
    overrides = [override, *(["task.source=recorded"] if "table" in override else [])]
    with pytest.raises(ConfigError, match=says):
        task(data_dir, *overrides)
