from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmarks.recorder import raw_rows
from benchmarks.recorder.card_of_curves import write_curve_card
from benchmarks.recorder.picture_of_curves import importances
from benchmarks.recorder.table_facts import write_facts
from benchmarks.recorder.table_of_curves import compact_curves
from support.curves import DERIVED, SPACE, record
from tasks.replay import table
from tasks.replay.curve_surrogate import CurveSurrogate
from tasks.replay.curves import CURVES


@pytest.fixture(scope="module")
def described(curve_table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the table that names an untuned config."""
    rows = curve_table.with_suffix(".jsonl")
    path = Path(shutil.copy(curve_table, tmp_path_factory.mktemp("card")))
    baseline = raw_rows.read(rows)[0].record["config"]
    write_facts(path, rows, {"talk": baseline}, {"talk": "a talk"}, draws=200)
    return path


@pytest.fixture(scope="module")
def card(described: Path) -> str:
    page = write_curve_card(described)
    assert page == described.with_suffix(".md")
    assert described.with_suffix(".png").stat().st_size > 20_000
    assert described.with_name("made_up_fidelities.png").stat().st_size > 5_000
    return page.read_text()


@pytest.mark.parametrize(
    "fact",
    [
        "# made_up\n",
        "backend `sklearn`",
        "- 50 classes, 1,000 validation photos\n",
        "- fidelity: 1 to 7 epochs\n",
        "- curves: 93 (92 ok, 1 diverged)",
        "61 configs, 20 curves with a further training seed, 12 held-out configs",
        "- untuned config `baseline_talk` (a talk): rate=",
        "(2 trainings recorded)",
        "% of random configs are better",
        "; over the best tenth of 100,000 random configs: ",
        "| extra_trees | all (12) |",
        "| perceptrons | best quarter (3) |",
        "Rank correlation of the losses after so many epochs with those of the full training, over "
        "72 recorded configs: 1: ",
        "![Losses at low fidelities against those at the target](made_up_fidelities.png)",
        "- best recorded curve: rate=",
        "chance, count as ties), over all and among the best 25%",
        "| extra_trees | 7 |",
        "| boosting | 7 |",
        "| perceptrons | 7 |",
        "standard deviation of log loss at the target 0.0",
        "- 93 evaluations on fast",
    ],
)
def test_it_says(fact: str, card: str) -> None:
    assert fact in card


def test_it_has_the_hash_of_what_it_describes(card: str, described: Path) -> None:
    assert f"`{table.read(described, CURVES).sha256}`" in card


@pytest.mark.slow
def test_a_table_without_held_out_curves_and_baseline_has_a_card_too(tmp_path: Path) -> None:
    source = record(tmp_path / "made_up.jsonl", held_out=0)
    made = compact_curves(source, source.with_suffix(".npz"), SPACE, DERIVED)
    text = write_curve_card(made).read_text()
    assert "not yet checked on held-out" in text
    assert "untuned config" not in text


def test_importance_is_that_of_the_formula(curve_table: Path) -> None:
    made = table.read(curve_table, CURVES)
    surrogate = CurveSurrogate(SPACE, made.meta, made.columns, "extra_trees")
    effects = importances(surrogate, made, (1, 7))
    assert effects.shape == (4, 2)
    rate, momentum, batch, nesterov = effects[:, 1]
    assert rate > momentum > max(batch, nesterov)
    assert np.all(effects > -0.05)
