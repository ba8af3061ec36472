from __future__ import annotations

from typing import Any

import numpy as np
import pytest

lightgbm = pytest.importorskip("lightgbm")

from tasks.boosted_trees import worker as module  # noqa: E402
from tasks.boosted_trees.kernel import lightgbm_kernel  # noqa: E402
from tasks.boosted_trees.worker import Options, build  # noqa: E402

CONFIG: dict[str, Any] = {
    "learning_rate": 0.1,
    "num_iterations": 25,
    "num_leaves": 15,
    "min_child_samples": 5,
    "lambda_l2": 0.1,
    "feature_fraction": 0.8,
    "bagging_fraction": 0.7,
}


@pytest.fixture(scope="module")
def worker(data_dir: str) -> Any:
    return build(Options(data_dir, 2000, 500))


def test_the_same_seed_gives_the_same_loss_and_more_rows_a_better_one(worker: Any) -> None:
    losses = [worker("train", CONFIG, 1 / 16, 0, False)["loss"] for _ in range(2)]
    assert losses[0] == losses[1]
    assert worker("train", CONFIG, 1 / 16, 1, False)["loss"] != losses[0]
    assert worker("train", CONFIG, 1.0, 0, False)["loss"] < losses[0]


def test_only_a_full_training_is_scored_on_everything(worker: Any) -> None:
    facts = worker("facts")
    part, whole = (worker("train", CONFIG, share, 0, False) for share in (0.5, 1.0))
    assert part["test_loss"] is None
    assert (500 * part["loss"]) == pytest.approx(round(500 * part["loss"]))
    for name, loss in (("validation rows", whole["loss"]), ("test rows", whole["test_loss"])):
        assert facts[name] * loss == pytest.approx(round(facts[name] * loss))


def test_the_error_is_that_of_lightgbms_own_prediction(data_dir: str) -> None:
    made = module._Worker(Options(data_dir, 2000, 500))
    rows = made._order(0)[:500]
    X, labels = made._data.X, made._labels
    parameters = {k: v for k, v in CONFIG.items() if k != "num_iterations"}
    booster = lightgbm.train(
        {**module.FIXED, **parameters, "num_class": 7}, lightgbm.Dataset(X[rows], labels[rows]), 37
    )
    predicted = booster.predict(X[made._subset]).argmax(axis=1)
    assert made._error(booster, made._subset) == np.mean(predicted != labels[made._subset])


def test_the_speed_is_read_while_it_trains(worker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = worker("train", CONFIG, 0.5, 0, False)
    monkeypatch.setattr("tasks.training.speed_readings.EVERY", 0.0)
    read = worker("train", CONFIG, 0.5, 0, True)
    assert read["loss"] == plain["loss"]
    assert len(read["references"]) == CONFIG["num_iterations"]
    assert plain["references"] == []


def test_the_kernel_does_its_work() -> None:
    assert lightgbm_kernel()() > 0.01
