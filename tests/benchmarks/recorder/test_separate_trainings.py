from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.core.space import Float, Integer, Space
from benchmarks.recorder import cost_normalisation as costs
from benchmarks.recorder.card_of_curves import write_curve_card
from benchmarks.recorder.design import sobol
from benchmarks.recorder.promising_half import promising_half
from benchmarks.recorder.separate_trainings import separate_trainings
from benchmarks.recorder.table_facts import write_facts
from benchmarks.recorder.table_of_curves import compact_curves
from support.recordings import facts, recorded, session
from tasks.replay import table
from tasks.replay.curve_surrogate import FAMILIES
from tasks.replay.curves import CURVES, RecordedCurves

SPACE = Space({
    "rate": Float(0.01, 0.5, log=True),
    "rounds": Integer(10, 500, log=True),
    "share": Float(0.2, 1.0),
    "leaf": Integer(1, 100),
})  # fmt: skip
SHARES = (1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
CONFIG = {"rate": 0.1, "rounds": 100, "share": 0.5, "leaf": 20}


def loss_of(config: dict[str, Any], fidelity: float) -> float:
    return float(0.1 + abs(np.log10(config["rate"])) * 0.1 + 0.02 * fidelity**-0.5)


def cost_of(config: dict[str, Any], fidelity: float) -> float:
    """Trainings with many rounds cost more, of which a larger part does not grow with the rows."""
    return float(config["rounds"] * (0.001 * config["rounds"] ** 0.5 / 20 + 0.01 * fidelity))


def training(
    config: dict[str, Any], fidelity: float, seed: int = 0, status: str = "ok", **others: Any
) -> dict[str, Any]:
    """One row. The test loss is measured at the target only."""
    loss = loss_of(config, fidelity) if status == "ok" else None
    test = None if loss is None or fidelity < 1 else loss + 0.01
    return facts(
        cost_of(config, fidelity), status=status, config=config, fidelity=fidelity,
        subset_seed=seed, loss=loss, test_loss=test, **others,
    )  # fmt: skip


def opening() -> dict[str, Any]:
    line = session()
    line["session"] |= {"space": SPACE.spec(), "sizes": {"training rows": 400, "classes": 7}}
    return line


def pivoted(path: Path, *rows: Any) -> tuple[list[float], dict[str, np.ndarray], int]:
    return separate_trainings(list(costs.best_rows(recorded(path, opening(), *rows))), SPACE)


def test_the_trainings_of_a_config_and_seed_are_one_curve_at_their_own_costs(
    tmp_path: Path,
) -> None:
    rows = [training(CONFIG, s, seed) for s in reversed(SHARES) for seed in (0, 1)]
    shares, columns, dropped = pivoted(tmp_path / "rows.jsonl", *rows)
    assert shares == list(SHARES)
    assert dropped == 0
    assert columns["training_seed"].tolist() == [0, 1]
    assert columns["config"].tolist() == [SPACE.numbers(CONFIG)] * 2
    assert columns["epochs"].tolist() == [7, 7]
    for line in (0, 1):
        assert columns["loss"][line].tolist() == [loss_of(CONFIG, s) for s in SHARES]
        assert columns["cost"][line, :7] == pytest.approx([cost_of(CONFIG, s) for s in SHARES])
    assert np.isnan(columns["cost"][:, 7]).all()
    assert np.isnan(columns["test_loss"][:, :6]).all()
    assert np.isfinite(columns["test_loss"][:, 6]).all()


def test_a_curve_without_all_its_trainings_is_dropped_and_counted(tmp_path: Path) -> None:
    other, failing = {**CONFIG, "leaf": 30}, {**CONFIG, "leaf": 40}
    rows = [training(CONFIG, s) for s in SHARES] + [training(other, s) for s in SHARES[:5]]
    rows += [training(failing, s) for s in SHARES[1:]]
    rows += [training(failing, SHARES[0], status="timeout")]
    _, columns, dropped = pivoted(tmp_path / "rows.jsonl", *rows)
    assert columns["config"].tolist() == [SPACE.numbers(CONFIG)]
    assert dropped == 2


def test_a_curve_ends_before_a_training_that_diverged_and_keeps_its_cost(tmp_path: Path) -> None:
    rows = [training(CONFIG, s) for s in SHARES if s != 1 / 4]
    rows += [training(CONFIG, 1 / 4, status="diverged")]
    _, columns, dropped = pivoted(tmp_path / "rows.jsonl", *rows)
    assert dropped == 0
    assert columns["epochs"].tolist() == [4]
    assert np.isfinite(columns["loss"][0]).tolist() == [True] * 4 + [False] * 3
    spent = [cost_of(CONFIG, s) for s in SHARES[:5]]
    assert columns["cost"][0, :5] == pytest.approx(spent, abs=1e-6)
    assert np.isnan(columns["cost"][0, 5:]).all()


def test_without_a_full_training_there_is_no_curve(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^0 full trainings are recorded"):
        pivoted(tmp_path / "rows.jsonl", training(CONFIG, 0.5))


@pytest.fixture(scope="module")
def separate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of 50 configs in four dimensions, seven fidelities each; 8 more are held out."""
    folder, rng = tmp_path_factory.mktemp("separate"), np.random.default_rng(0)
    configs = [SPACE.sample(rng) for _ in range(58)]
    rows = [
        training(config, s, held_out=number >= 50)
        for s in SHARES
        for number, config in enumerate(configs)
    ]
    rows += [training(config, s, seed=1) for s in SHARES for config in configs[:12]]
    rows += [training(CONFIG, s) for s in SHARES[:3]]  # the recording was interrupted
    recorded(folder / "rows.jsonl", opening(), *rows)
    path = compact_curves(folder / "rows.jsonl", folder / "trees.npz", SPACE, {})
    write_facts(path, folder / "rows.jsonl", {"default": configs[0]}, {}, draws=200)
    return path


def test_a_replay_of_it_offers_its_fidelities_and_returns_recorded_trainings(
    separate: Path,
) -> None:
    task = RecordedCurves(str(separate))
    assert task.fidelities.values == pytest.approx(SHARES)
    assert not task.fidelities.resumable
    config = table.read(separate, CURVES).config(0)
    for share in SHARES:
        seen = task.replay(config, share, 0)
        assert seen.loss == loss_of(config, share)
        assert seen.cost == pytest.approx(cost_of(config, share), abs=1e-6)
    assert task.truth(config).test_loss == pytest.approx(loss_of(config, 1.0) + 0.01)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_surrogate_predicts_each_trainings_own_cost(separate: Path, family: str) -> None:
    """Their shape differs between configs: one for all would be off by half at the lowest."""
    task = RecordedCurves(str(separate), family)
    rng = np.random.default_rng(5)
    configs = [SPACE.sample(rng) for _ in range(60)]
    for share in (SHARES[0], 1.0):
        off = [
            np.log(task.replay(config, share, 0).cost / cost_of(config, share))
            for config in configs
        ]
        assert np.median(np.abs(off)) < 0.25
    truths = [task.truth(config) for config in configs]
    assert all(truth.test_loss is not None for truth in truths)
    assert task.replay(configs[0], SHARES[0], 0).test_loss is None


def test_it_cannot_be_resumed(separate: Path) -> None:
    with pytest.raises(ValueError, match="each fidelity is a training of its own"):
        RecordedCurves(str(separate), resume_training=True)


def test_fidelities_in_units_of_the_task_must_be_recorded(separate: Path) -> None:
    task = RecordedCurves(str(separate), values=(100, 400))
    assert task.fidelities.values == (0.25, 1.0)
    with pytest.raises(
        ValueError, match=r"\[150, 400\]: .* after 6.25, 12.5, 25, 50, 100, 200, 400 only"
    ):
        RecordedCurves(str(separate), values=(150, 400))


@pytest.mark.slow
def test_the_promising_half_is_found_by_a_pilot_of_separate_trainings(tmp_path: Path) -> None:
    pilot = sobol(SPACE, 40, 0)
    rows = [training(config, s) for s in SHARES for config in pilot]
    design = {"stages": [{"sobol": {"count": 40, "seed": 0}, "fidelities": list(SHARES)}]}
    path = tmp_path / "rows.jsonl"
    keep = promising_half(recorded(path, opening(), *rows), design, SPACE, seed=2, count=20)
    losses = [loss_of(config, 1.0) for config in sobol(SPACE, 40, 2)]
    assert len(set(keep) & set(np.argsort(losses)[:20].tolist())) >= 16


def test_its_card_counts_what_was_dropped(separate: Path) -> None:
    text = write_curve_card(separate).read_text()
    assert "1 curves are left out, since a training is missing or failed" in text
    assert "each is a training of its own, at its own cost" in text
    assert "- untuned config `baseline_default`: rate=" in text
    assert "Rank correlation of the losses after so many training rows" in text
    assert separate.with_name("trees_fidelities.png").stat().st_size > 5_000
