"""Recordings under way: their numbers are frozen, whatever the code is called by now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.components import build_task
from benchmarks.compose import compose
from benchmarks.core.space import Space
from benchmarks.recorder import raw_rows
from benchmarks.recorder.raw_rows import TABLES
from benchmarks.recorder.table_of_evaluations import compact
from benchmarks.settings import ConfigError
from tasks.replay import table
from tasks.replay.curve_surrogate import FAMILIES, families_of
from tasks.replay.curves import CURVES

RECORDED = (
    *("svm_mnist", "svm_covertype", "svm_vehicle", "svm_letter"),
    *("cars_head", "cars_head_boosting", "cars_head64", "gbm_covertype"),
)
"""tasks whose table ships"""
TASKS = ("svm_letter", "gbm_covertype", "lm_shakespeare", "cnn_fashion", "cars_head64")


def rows_of(task: str) -> list[Any]:
    path = TABLES / "rows" / f"{task}.jsonl"
    found = [row for row in raw_rows.read(path) if row.record["status"] == "ok"]
    if not found:
        pytest.skip(f"no rows of {task} are recorded yet")
    return found


@pytest.mark.parametrize("task", TASKS)
def test_three_recorded_rows_have_the_same_losses_now(task: str, data_dir: str) -> None:
    """The cheapest ones. Networks may differ in the last bits on another CPU."""
    cheapest = sorted(rows_of(task), key=lambda row: row.record["cost"])[:3]
    settings = compose("config", [f"task={task}", f"task.data_dir={data_dir}"])["task"]
    if "source" in settings:  # a task without it is always live
        settings["source"] = "live"
    try:
        live = build_task(settings, [])
    except ConfigError as error:
        pytest.skip(str(error))
    exact = task in ("svm_letter", "gbm_covertype")
    for row in cheapest:
        record = row.record
        names = (record["config"], record["fidelity"], record["subset_seed"])
        loss = live.evaluate_replicate(*names).loss
        assert loss == (record["loss"] if exact else pytest.approx(record["loss"], rel=0.02))
    live.close()


def test_rows_from_before_and_after_the_move_of_the_code_make_one_table(tmp_path: Path) -> None:
    rows = rows_of("svm_letter")
    commits = {row.session["commit"] for row in rows}
    if len(commits) < 2:
        pytest.skip("all rows are of one commit")
    space = Space.from_spec(rows[-1].session["space"])
    made = compact(TABLES / "rows" / "svm_letter.jsonl", tmp_path / "svm_letter.npz", space)
    assert made.exists()


@pytest.mark.parametrize("task", RECORDED)
def test_a_shipped_task_knows_its_untuned_configs_and_the_cost_of_good_ones(task: str) -> None:
    replay = build_task(compose("config", [f"task={task}"])["task"], [])
    assert replay.reproducible
    assert replay.target_cost is not None
    assert replay.good_cost is not None
    assert 0.1 * replay.target_cost < replay.good_cost < 10 * replay.target_cost
    names = {"default", "talk"} if "cars" in task else {"default"}
    assert set(replay.baselines) == names
    for facts in replay.baselines.values():
        replay.space.check(facts["config"])
        assert facts["source"]
        assert facts["loss"] == pytest.approx(replay.truth(facts["config"]).loss)
        assert 0 <= facts["beaten_by"] <= 1


@pytest.mark.parametrize("surrogate", FAMILIES)
@pytest.mark.parametrize("task", ["cars_head", "cars_head64", "gbm_covertype"])
def test_a_shipped_table_of_curves_has_its_surrogates(task: str, surrogate: str) -> None:
    """No tuner is to be compared on a surrogate that is its own model."""
    settings = compose("config", [f"task={task}", f"task.surrogate={surrogate}"])["task"]
    made = table.read(table.path_of(task), CURVES)
    if surrogate not in families_of(made.columns):
        assert made.meta["format"] == 1  # from before there were perceptrons
        with pytest.raises(ConfigError, match="it has extra_trees and boosting"):
            build_task(settings, [])
        return
    replay = build_task(settings, [])
    assert replay.identity["surrogate"] == surrogate
    assert replay.best_loss is not None
    assert replay.best_loss <= min(
        replay.truth(replay.space.sample(np.random.default_rng(seed))).loss or 1
        for seed in range(20)
    )


def test_an_unknown_surrogate_is_one_line_with_the_choices() -> None:
    settings = compose("config", ["task=cars_head", "task.surrogate=forest"])["task"]
    with pytest.raises(ConfigError, match="extra_trees, boosting, perceptrons"):
        build_task(settings, [])
