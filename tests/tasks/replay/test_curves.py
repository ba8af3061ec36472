from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks.recorder import raw_rows
from support.curves import BROKEN, EPOCHS, SPACE, compact, record, row
from tasks.replay import table as tables
from tasks.replay.curve_surrogate import FAMILIES, SMOOTH
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


def test_a_resumable_evaluation_has_the_losses_that_it_paid_for(curve_table: Path) -> None:
    task = RecordedCurves(str(curve_table), resume_training=True)
    shares = task.fidelities.values
    assert shares is not None
    known = recorded(curve_table)[0]["config"]
    for config in (known, SPACE.sample(np.random.default_rng(8))):
        each = [task.evaluate(config, s, np.random.default_rng(1)).loss for s in shares]  # type: ignore[arg-type]
        pairs = tuple(zip(shares, each, strict=True))
        whole = task.evaluate(config, 1.0, np.random.default_rng(1))  # type: ignore[arg-type]
        assert whole.curve == pairs[:-1]
        on = task.resume(config, shares[2], shares[5], np.random.default_rng(1))  # type: ignore[arg-type]
        assert (on.loss, on.curve) == (each[5], pairs[3:5])
        next_one = task.resume(config, shares[2], shares[3], np.random.default_rng(1))  # type: ignore[arg-type]
        assert next_one.curve == ()


def test_a_diverged_training_has_the_losses_until_then(curve_table: Path) -> None:
    task = RecordedCurves(str(curve_table), resume_training=True)
    ended = task.resume(BROKEN, 1 / EPOCHS, 1.0, np.random.default_rng(0))
    assert ended.status == "diverged"
    assert [round(EPOCHS * s) for s, _ in ended.curve] == [2, 3]
    assert ended.cost == pytest.approx(2 * 4 + 0.5)  # without the first epoch, paid for before
    assert ended.info["restart_cost"] == pytest.approx(3 * 4 + 0.5)


def test_evaluations_that_restart_have_no_curve(task: RecordedCurves) -> None:
    assert task.evaluate(SPACE.sample(RNG), 1.0, np.random.default_rng(0)).curve == ()


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
    assert task.truth(config).loss == pytest.approx(mean)
    elsewhere = SPACE.sample(np.random.default_rng(3))
    draws = [math.log(task.replay(elsewhere, 1.0, seed).loss) for seed in range(300)]
    truth = task.truth(elsewhere).loss
    assert truth is not None
    assert np.mean(draws) == pytest.approx(math.log(truth), abs=0.01)


def test_no_truth_is_below_the_best_known_loss(curve_table: Path) -> None:
    """Not even where the search for it was short."""
    for family in FAMILIES:
        task = RecordedCurves(str(curve_table), family)
        truths = [task.truth(SPACE.sample(RNG)).loss for _ in range(300)]
        truths += [task.truth(f["config"]).loss for f in recorded(curve_table)]
        assert min(truths) >= task.best_loss
        assert min(truths) < 1.3 * task.best_loss


@pytest.mark.slow
def test_a_recorded_truth_is_what_was_measured_also_below_all_predictions(tmp_path: Path) -> None:
    """A surrogate that averages neighbours does not reach a config that is far better than they."""
    source = record(tmp_path / "made_up.jsonl", repeats=0)
    far_better, factor = row(BROKEN), 0.01
    for name in ("loss", "test_loss"):
        far_better["curve"][name] = [factor * loss for loss in far_better["curve"][name]]
    raw_rows.append(source, far_better)
    path = compact(source)
    measured = far_better["curve"]["loss"][-1]
    assert tables.read(path, CURVES).meta["best_from"]["extra_trees"] == "recorded"
    task = RecordedCurves(str(path), "extra_trees")
    assert task.truth(BROKEN).loss == task.replay(BROKEN, 1.0, 0).loss == measured
    assert task.best_loss == measured
    others = [SPACE.sample(RNG) for _ in range(100)]
    truths = [task.truth(config).loss for config in others]
    assert len(set(truths)) > 50  # not all raised to one value
    assert min(truths) > measured


def test_a_recorded_mean_lowers_the_best_known_loss_of_a_table_of_format_1(
    curve_table: Path, tmp_path: Path
) -> None:
    old = as_format_1(
        curve_table, tmp_path / "old.npz", best_loss={"extra_trees": 0.9, "boosting": 0.001}
    )
    means: dict[str, list[float]] = {}
    for facts in recorded(curve_table):
        means.setdefault(repr(facts["config"]), []).append(facts["loss"])  # type: ignore[arg-type]
    lowest = min(np.mean(losses) for losses in means.values())
    assert RecordedCurves(str(old), "extra_trees").best_loss == pytest.approx(lowest)
    assert RecordedCurves(str(old), "boosting").best_loss == 0.001


def test_truths_of_studies_lower_the_best_known_loss(curve_table: Path, tmp_path: Path) -> None:
    seen = tmp_path / "seen.npz"
    loaded = tables.read(curve_table, CURVES)
    meta = {**loaded.meta, "study_truths": {"boosting": [0.5, 0.002]}}
    tables.write(seen, meta, loaded.columns, CURVES)
    assert RecordedCurves(str(seen), "boosting").best_loss == 0.002
    assert RecordedCurves(str(seen), "extra_trees").best_loss == pytest.approx(
        loaded.meta["best_loss"]["extra_trees"]
    )


def as_format_1(path: Path, target: Path, **changed: object) -> Path:
    """Write a table as version 0.1 did."""
    loaded = tables.read(path, CURVES)
    columns = {name: kind for name, kind in CURVES.columns.items() if name not in SMOOTH}
    meta = {k: v for k, v in loaded.meta.items() if k != "best_from"}
    meta |= {"chosen": "extra_trees", **changed}
    tables.write(target, meta, loaded.columns, tables.Kind("curves", 1, columns))
    return target


def test_a_table_of_format_1_is_replayed_as_before_and_has_no_perceptrons(
    curve_table: Path, tmp_path: Path
) -> None:
    old = as_format_1(curve_table, tmp_path / "old.npz")
    config = SPACE.sample(np.random.default_rng(3))
    for family in ("extra_trees", "boosting"):
        tasks = [RecordedCurves(str(made), family) for made in (old, curve_table)]
        assert tasks[0].truth(config) == tasks[1].truth(config)
        assert tasks[0].replay(config, 1.0, 4) == tasks[1].replay(config, 1.0, 4)
    with pytest.raises(
        ValueError, match=r"^task.surrogate=perceptrons: the table .* has extra_trees and boosting$"
    ):
        RecordedCurves(str(old), "perceptrons")


def test_all_surrogates_are_there_and_are_tasks_of_their_own(curve_table: Path) -> None:
    tasks = [RecordedCurves(str(curve_table), family) for family in FAMILIES]
    assert len({task.identity["surrogate"] for task in tasks}) == len(FAMILIES)
    config = SPACE.sample(np.random.default_rng(2))
    assert len({task.truth(config).loss for task in tasks}) == len(FAMILIES)
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
    assert loaded.meta["target_cost"].keys() == set(FAMILIES)
    rng = np.random.default_rng(4)
    costs = [task.evaluate(SPACE.sample(rng), 1.0, rng).cost for _ in range(500)]
    assert np.median(costs) == pytest.approx(task.target_cost, rel=0.1)
