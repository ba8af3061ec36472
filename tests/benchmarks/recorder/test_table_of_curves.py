from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.recorder import cost_normalisation as costs
from benchmarks.recorder import raw_rows
from benchmarks.recorder.card_of_curves import write_curve_card
from benchmarks.recorder.table_of_curves import columns_of, compact_curves, lowest_truths
from support.curves import DERIVED, EPOCHS, SPACE, compact, opening, record, row
from support.recordings import facts
from tasks.replay import table
from tasks.replay.check_curves import held_out_errors
from tasks.replay.curve_surrogate import FAMILIES, SMOOTH, CurveSurrogate
from tasks.replay.curves import CURVES, RecordedCurves

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


@pytest.mark.parametrize("search", ["short", pytest.param("whole", marks=pytest.mark.slow)])
def test_the_best_known_loss_is_no_plateau_and_no_random_config_is_better(
    search: str, curve_table: Path, tmp_path: Path
) -> None:
    """What goes below all recorded losses must not be cut off there: all of it would be best."""
    path = curve_table
    if search == "whole":
        rows = curve_table.with_suffix(".jsonl")
        path = compact_curves(rows, tmp_path / "made_up.npz", SPACE, DERIVED)
    made = table.read(path, CURVES)
    rng = np.random.default_rng(1)
    configs = [SPACE.sample(rng) for _ in range(5000)]
    configs += [SPACE.from_numbers(numbers) for numbers in made.columns["config"]]
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


LENGTH, STEPS = 27, 540


def nats_at(config: dict[str, Any], entry: int) -> float:
    """Noiseless loss of a made-up language model, in nats."""
    step = np.log10(config["rate"] / (1 - config["momentum"]))
    return float(1.5 + 0.4 * (step + 1) ** 2 + 2.5 / (1 + entry))


def training(config: dict[str, Any], seed: int = 0, held_out: bool = False) -> dict[str, Any]:
    """A training of 27 entries; it diverges at high rates, the higher the sooner."""
    ends = int(np.clip(round(30 * (1.5 - config["rate"])), 0, LENGTH))
    noise = float(np.exp(0.01 * np.random.default_rng(seed).standard_normal()))
    losses = [nats_at(config, entry) * noise for entry in range(1, ends + 1)]
    cost = [entry * 20 / config["batch"] for entry in range(1, ends + 1)]
    whole = ends == LENGTH
    return facts(
        cost[-1] if whole else ends * 20 / config["batch"] + 0.7,
        config=config, fidelity=1.0, subset_seed=seed, held_out=held_out,
        status="ok" if whole else "diverged",
        loss=losses[-1] if whole else None, test_loss=losses[-1] + 0.1 if whole else None,
        curve={"loss": losses, "test_loss": [x + 0.1 for x in losses], "cost": cost},
    )  # fmt: skip


@pytest.fixture(scope="module")
def language_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of 27 entries of 20 steps, losses in nats; one training in ten diverged."""
    path = tmp_path_factory.mktemp("language_model") / "made_up.jsonl"
    line = opening()
    line["session"] |= {
        "fidelity_full": STEPS,
        "fidelity_low": 1 / LENGTH,
        "fidelity_unit": "steps",
        "fidelity_values": [entry / LENGTH for entry in range(1, LENGTH + 1)],
        "sizes": {"training characters": 1000, "validation characters": 100},
    }
    raw_rows.append(path, line)
    rng = np.random.default_rng(0)
    configs = [SPACE.sample(rng) for _ in range(72)]
    for config in configs[:60]:
        raw_rows.append(path, training({**config, "rate": min(config["rate"], 0.5)}))
    for number, config in enumerate(configs[:8]):
        raw_rows.append(path, training({**config, "rate": 0.65 + 0.05 * number}))
    for config in configs[60:]:
        raw_rows.append(path, training({**config, "rate": min(config["rate"], 0.5)}, held_out=True))
    early = {**configs[9], "rate": 0.99}
    never = facts(
        0.3, config=early, fidelity=1.0, subset_seed=0, held_out=False, status="diverged",
        loss=None, test_loss=None,
    )  # fmt: skip
    raw_rows.append(path, never)
    compact(path)
    return path


def test_curves_of_27_entries_of_20_steps_make_a_table(language_model: Path) -> None:
    made = table.read(language_model.with_suffix(".npz"), CURVES)
    assert made.columns["loss"].shape[1] == LENGTH
    assert made.columns["cost"].shape[1] == LENGTH + 1
    assert made.meta["statuses"] == {"ok": 72, "diverged": 9}
    assert all(1 < best < 3 for best in made.meta["best_loss"].values())
    assert all(0 < error < 0.3 for error in made.meta["resolution"].values())
    surrogate = CurveSurrogate(SPACE, made.meta, made.columns, made.meta["chosen"])
    checked = held_out_errors(surrogate, SPACE, made.columns)
    assert [(e.first, e.last) for e in checked] == [(1, 3), (4, 14), (15, 26), (27, 27)]
    assert checked[-1].rank > 0.9


@pytest.mark.parametrize("family", FAMILIES)
def test_a_language_model_is_replayed_in_steps_with_its_divergences(
    family: str, language_model: Path
) -> None:
    task = RecordedCurves(str(language_model.with_suffix(".npz")), family)
    assert task.fidelities.values == tuple(entry / LENGTH for entry in range(1, LENGTH + 1))
    assert (task.fidelities.full, task.fidelities.unit) == (STEPS, "steps")
    for line in raw_rows.read(language_model):
        record = line.record
        if record["held_out"]:
            continue
        curve = record.get("curve", {"loss": [], "test_loss": [], "cost": []})
        for entry in (1, 13, LENGTH):
            seen = task.replay(record["config"], entry / LENGTH, 0)
            if entry <= len(curve["loss"]):
                assert seen.loss == curve["loss"][entry - 1]
                assert seen.test_loss == curve["test_loss"][entry - 1]
                assert seen.cost == pytest.approx(curve["cost"][entry - 1], abs=1e-5)
            else:
                assert seen.status == "diverged"
                assert seen.cost == pytest.approx(record["cost"], abs=1e-5)
        truth = task.truth(record["config"])
        assert truth.loss == record["loss"]
        assert truth.loss is None or truth.loss >= task.best_loss
    elsewhere = task.replay(SPACE.sample(np.random.default_rng(9)), 1.0, 0)
    assert elsewhere.loss > 1
    assert elsewhere.test_loss == pytest.approx(elsewhere.loss + 0.1, rel=0.1)


def test_only_recorded_steps_can_be_offered(language_model: Path) -> None:
    path = str(language_model.with_suffix(".npz"))
    assert RecordedCurves(path, values=(20, 540)).fidelities.values == (1 / LENGTH, 1.0)
    with pytest.raises(ValueError, match=r"^steps \[30, 540\]: .* losses after every 20 only$"):
        RecordedCurves(path, values=(30, 540))


def test_the_card_of_a_language_model_says_steps_and_loss(language_model: Path) -> None:
    page = write_curve_card(language_model.with_suffix(".npz"))
    assert page.with_suffix(".png").stat().st_size > 20_000
    text = page.read_text()
    for fact in (
        "- fidelity: 20 to 540 steps, every 20\n",
        "(72 ok, 9 diverged)",
        "validation loss 1.",
        "| surrogate | steps | R2 of loss |",
        "| perceptrons | 300-520 |",
        "| perceptrons | 540 |",
    ):
        assert fact in text
    for word in ("epoch", "photo", "error rate", "validation error", "chance"):
        assert word not in text


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


def test_a_table_of_the_same_curves_keeps_its_fits_and_gets_what_it_lacks(
    curve_table: Path, tmp_path: Path
) -> None:
    """The last bits of a fit differ between machines; a replay must return what it did."""
    held = table.read(curve_table, CURVES)
    shifted = held.columns["mean"] + 1e-9  # as on another machine
    lacking = {**held.columns, "mean": shifted}
    older = {name: kind for name, kind in CURVES.columns.items() if name not in SMOOTH}
    target = tmp_path / "made_up.npz"
    table.write(target, held.meta, lacking, table.Kind("curves", 1, older))
    source = curve_table.with_suffix(".jsonl")
    again = table.read(compact_curves(source, target, SPACE, DERIVED, "a stand-in"), CURVES)
    for name in older:
        np.testing.assert_array_equal(again.columns[name], lacking[name], err_msg=name)
    assert set(SMOOTH) <= set(again.columns)
    assert again.meta["derived"] == held.meta["derived"]
    for family in FAMILIES:
        assert again.meta["best_loss"][family] <= held.meta["best_loss"][family] + 0.01


def test_configs_of_studies_lower_the_best_known_loss_with_their_source(curve_table: Path) -> None:
    made = table.read(curve_table, CURVES)
    surrogate = CurveSurrogate(SPACE, made.meta, made.columns, "boosting")
    rng = np.random.default_rng(77)
    configs = [SPACE.sample(rng) for _ in range(40)]
    truths = surrogate.predict(np.array([surrogate.inputs(c) for c in configs])).loss[:, -1]
    recorded = SPACE.from_numbers(made.columns["config"][0])
    seen = {"first": configs[:20], "second": [recorded, *configs[20:]], "third": [recorded]}
    found = lowest_truths(surrogate, SPACE, made.columns, seen)
    assert found == {
        "first": pytest.approx(truths[:20].min()),
        "second": pytest.approx(truths[20:].min()),
    }


@pytest.mark.slow
def test_what_studies_saw_is_in_the_table(tmp_path: Path) -> None:
    path = record(tmp_path / "rows.jsonl", count=30, repeats=5)
    configs = [SPACE.sample(np.random.default_rng(78)) for _ in range(5)]
    target = tmp_path / "made_up.npz"
    compact_curves(path, target, SPACE, DERIVED, seen={"a_study": configs})
    meta = table.read(target, CURVES).meta
    for family in FAMILIES:
        assert meta["study_sources"][family] == "a_study"
        assert meta["best_loss"][family] <= meta["study_truths"][family][0]


def test_a_failed_training_is_no_curve_and_its_cost_is_counted(
    curve_table: Path, tmp_path: Path
) -> None:
    path = tmp_path / "made_up.jsonl"
    path.write_bytes(curve_table.with_suffix(".jsonl").read_bytes())
    failed = facts(3600.0, config=CONFIG, fidelity=1.0, subset_seed=9, status="timeout", loss=None)
    raw_rows.append(path, failed)
    target = tmp_path / "made_up.npz"
    target.write_bytes(curve_table.read_bytes())  # its fits are kept
    meta = table.read(compact_curves(path, target, SPACE, DERIVED, "a stand-in"), CURVES).meta
    before = table.read(curve_table, CURVES).meta
    assert meta["statuses"] == before["statuses"] | {"timeout": 1}
    assert meta["cpu_hours"] == pytest.approx(before["cpu_hours"] + 1, abs=0.02)
