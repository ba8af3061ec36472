from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.recorder import cost_normalisation as costs
from benchmarks.recorder import raw_rows
from benchmarks.recorder.table_of_curves import columns_of, compact_curves
from support.curves import DERIVED, EPOCHS, SPACE, opening, record, row
from tasks.replay import table
from tasks.replay.check_curves import held_out_errors
from tasks.replay.curve_surrogate import FAMILIES, CurveSurrogate
from tasks.replay.curves import CURVES

CONFIG = {"rate": 0.1, "momentum": 0.5, "batch": 32, "nesterov": False}


def columns(path: Path) -> dict[str, np.ndarray]:
    return columns_of(list(costs.best_rows(raw_rows.read(path))), SPACE, EPOCHS)


def test_curves_become_columns(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    whole, broken = row(CONFIG, seed=1), row({**CONFIG, "rate": 0.2}, ends=2)
    for line in (opening(), whole, broken):
        raw_rows.append(path, line)
    made = columns(path)
    assert made["config"].tolist() == [SPACE.numbers(CONFIG), [0.2, 0.5, 32, 1]]
    assert made["training_seed"].tolist() == [1, 0]
    assert made["epochs"].tolist() == [EPOCHS, 2]
    assert made["loss"][0].tolist() == whole["curve"]["loss"]
    assert made["loss"][1, :2].tolist() == broken["curve"]["loss"]
    assert np.isnan(made["loss"][1, 2:]).all()
    assert made["cost"][0, :EPOCHS] == pytest.approx(whole["curve"]["cost"])
    assert made["cost"][1, :3] == pytest.approx([*broken["curve"]["cost"], broken["cost"]])
    assert np.isnan(made["cost"][1, 3:]).all()


def test_costs_of_a_slow_core_are_normalised_along_the_whole_curve(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    slow = row({**CONFIG, "rate": 0.2}) | {"reference_before": 2.0, "reference_after": 2.0}
    for line in (opening(), row(CONFIG), slow):
        raw_rows.append(path, line)
    fast, halved = columns(path)["cost"][:, :EPOCHS]
    assert halved == pytest.approx(fast / 2)


def test_the_table_holds_all_that_a_replay_needs(curve_table: Path) -> None:
    made = table.read(curve_table, CURVES)
    assert made.meta["name"] == "made_up"
    assert made.meta["caption"] == "a stand-in"
    assert made.meta["chosen"] in FAMILIES
    for name in ("best_loss", "target_cost", "resolution"):
        assert all(made.meta[name][family] > 0 for family in FAMILIES)
    assert made.meta["training_seeds"] == 10
    assert curve_table.stat().st_size < 1_000_000


def test_the_best_known_loss_is_no_plateau_and_no_random_config_is_better(
    curve_table: Path,
) -> None:
    """What goes below all recorded losses must not be cut off there: all of it would be best."""
    made = table.read(curve_table, CURVES)
    rng = np.random.default_rng(1)
    configs = [SPACE.sample(rng) for _ in range(3000)]
    for family in FAMILIES:
        surrogate = CurveSurrogate(SPACE, made.meta, made.columns, family)
        inputs = np.array([surrogate.inputs(config) for config in configs])
        losses, best = surrogate.predict(inputs).loss[:, -1], made.meta["best_loss"][family]
        assert losses.min() >= best
        assert (losses < best + 1e-6).mean() < 0.001


def test_the_family_that_is_nearer_to_the_best_held_out_curves_is_chosen(curve_table: Path) -> None:
    made = table.read(curve_table, CURVES)
    off = {
        family: held_out_errors(
            CurveSurrogate(SPACE, made.meta, made.columns, family), SPACE, made.columns
        )[-1].good_loss_median
        for family in FAMILIES
    }
    assert made.meta["chosen"] == min(off, key=lambda family: off[family])


@pytest.mark.slow
def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    path = record(tmp_path / "made_up.jsonl", count=30, repeats=5)
    first, second = (
        compact_curves(path, tmp_path / name / "t.npz", SPACE, DERIVED).read_bytes()
        for name in ("a", "b")
    )
    assert first == second


@pytest.mark.slow
def test_without_held_out_configs_the_first_family_is_chosen(tmp_path: Path) -> None:
    path = record(tmp_path / "made_up.jsonl", held_out=0)
    target = compact_curves(path, tmp_path / "made_up.npz", SPACE, DERIVED)
    meta = table.read(target, CURVES).meta
    assert meta["chosen"] == FAMILIES[0]
    assert set(meta["resolution"].values()) == {None}


def test_too_few_curves_leave_the_old_table(tmp_path: Path) -> None:
    path = record(tmp_path / "made_up.jsonl", count=5, repeats=0)
    target = tmp_path / "made_up.npz"
    target.write_bytes(b"old")
    with pytest.raises(ValueError, match=r"^5 whole curves"):
        compact_curves(path, target, SPACE, DERIVED)
    assert target.read_bytes() == b"old"
