from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks.recorder import raw_rows
from support.curves import BROKEN, EPOCHS, SPACE
from tasks.replay import table as tables
from tasks.replay.curves import CURVES, RecordedCurves

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def task(curve_table: Path) -> RecordedCurves:
    return RecordedCurves(str(curve_table))


def recorded(table: Path, held_out: bool = False) -> list[dict[str, object]]:
    facts = [r.record for r in raw_rows.read(table.with_suffix(".jsonl"))]
    return [f for f in facts if f["held_out"] is held_out and f["status"] == "ok"]


def test_recorded_curves_come_back_exactly(curve_table: Path, task: RecordedCurves) -> None:
    for facts in recorded(curve_table):
        for epoch in (1, 3, EPOCHS):
            seen = task.replay(facts["config"], epoch / EPOCHS, facts["subset_seed"])
            assert seen.loss == facts["curve"]["loss"][epoch - 1]
            assert seen.test_loss == facts["curve"]["test_loss"][epoch - 1]
            assert seen.cost == pytest.approx(facts["curve"]["cost"][epoch - 1], abs=1e-6)


def test_an_evaluation_of_a_recorded_config_is_one_of_its_curves(
    curve_table: Path, task: RecordedCurves
) -> None:
    config = recorded(curve_table)[0]["config"]
    losses = {f["loss"] for f in recorded(curve_table) if f["config"] == config}
    assert len(losses) == 2
    rng = np.random.default_rng(0)
    assert {task.evaluate(config, 1.0, rng).loss for _ in range(30)} == losses


def test_held_out_curves_are_not_replayed(curve_table: Path, task: RecordedCurves) -> None:
    for facts in recorded(curve_table, held_out=True):
        assert task.replay(facts["config"], 1.0, 0).loss != facts["loss"]


def test_training_on_sees_the_same_curve(curve_table: Path) -> None:
    task = RecordedCurves(str(curve_table), resume_training=True)
    config = SPACE.sample(np.random.default_rng(8))
    assert task.fidelities.resumable
    short = task.evaluate(config, 3 / EPOCHS, np.random.default_rng(1))
    on = task.resume(config, 3 / EPOCHS, 1.0, np.random.default_rng(1))
    whole = task.evaluate(config, 1.0, np.random.default_rng(1))
    assert on.loss == whole.loss
    assert on.cost == pytest.approx(whole.cost - short.cost)
    assert on.info["restart_cost"] == whole.cost
    assert on.info["training_seed"] == short.info["training_seed"]


def test_a_diverged_curve_ends_where_it_ended(task: RecordedCurves) -> None:
    rng = np.random.default_rng(0)
    assert task.evaluate(BROKEN, 3 / EPOCHS, rng).status == "ok"
    ended = task.evaluate(BROKEN, 4 / EPOCHS, rng)
    assert ended.status == "diverged"
    assert math.isnan(ended.loss)
    assert ended.cost == pytest.approx(3 * 4 + 0.5)
    assert task.truth(BROKEN).loss is None


def test_truth_is_the_mean_over_recorded_seeds_or_the_surrogate(
    curve_table: Path, task: RecordedCurves
) -> None:
    facts = recorded(curve_table)
    config = facts[0]["config"]
    mean = np.mean([f["loss"] for f in facts if f["config"] == config])
    assert task.truth(config).loss == pytest.approx(max(mean, task.best_loss))
    elsewhere = SPACE.sample(np.random.default_rng(3))
    draws = [math.log(task.replay(elsewhere, 1.0, seed).loss) for seed in range(300)]
    truth = task.truth(elsewhere).loss
    assert truth is not None
    assert np.mean(draws) == pytest.approx(math.log(truth), abs=0.01)


def test_no_truth_is_below_the_best_known_loss(curve_table: Path) -> None:
    for family in ("extra_trees", "boosting"):
        task = RecordedCurves(str(curve_table), family)
        truths = [task.truth(SPACE.sample(RNG)).loss for _ in range(300)]
        truths += [task.truth(f["config"]).loss for f in recorded(curve_table)]
        assert min(truths) >= task.best_loss
        assert min(truths) < 1.3 * task.best_loss


def test_both_surrogates_are_there_and_are_two_tasks(curve_table: Path) -> None:
    tasks = [RecordedCurves(str(curve_table), family) for family in ("extra_trees", "boosting")]
    assert tasks[0].identity != tasks[1].identity
    config = SPACE.sample(np.random.default_rng(2))
    assert tasks[0].truth(config) != tasks[1].truth(config)
    assert RecordedCurves(str(curve_table)).identity in [task.identity for task in tasks]


def test_an_unknown_surrogate_is_refused(curve_table: Path) -> None:
    with pytest.raises(ValueError, match=r"^task.surrogate=extra_tree: .*extra_trees"):
        RecordedCurves(str(curve_table), "extra_tree")


def test_options_of_the_live_task_must_be_those_recorded(curve_table: Path) -> None:
    RecordedCurves(str(curve_table), asked={"backend": "sklearn", "other": None})
    with pytest.raises(ValueError, match=r"^task.backend=other: no such trainings"):
        RecordedCurves(str(curve_table), asked={"backend": "other"})


def test_only_some_epochs_can_be_offered(curve_table: Path) -> None:
    task = RecordedCurves(str(curve_table), values=(1, 3, 7), nominal=(0.1, 0.5, 1.0))
    assert task.fidelities.values == (1 / 7, 3 / 7, 1.0)
    with pytest.raises(ValueError, match="fidelity"):
        task.evaluate(BROKEN, 2 / 7, np.random.default_rng(0))


def test_a_table_of_evaluations_is_refused() -> None:
    with pytest.raises(tables.TableError, match="is a table of evaluations, not of curves"):
        RecordedCurves("svm_mnist")


def test_costs_are_normalised_and_target_cost_is_their_median(
    curve_table: Path, task: RecordedCurves
) -> None:
    loaded = tables.read(curve_table, CURVES)
    assert loaded.meta["target_cost"].keys() == {"extra_trees", "boosting"}
    rng = np.random.default_rng(4)
    costs = [task.evaluate(SPACE.sample(rng), 1.0, rng).cost for _ in range(500)]
    assert np.median(costs) == pytest.approx(task.target_cost, rel=0.1)
