from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.recorder import fidelity_ranks as ranks
from support.curves import EPOCHS
from tasks.replay import table
from tasks.replay.curves import CURVES


def test_pairs_are_means_over_subset_seeds_of_configs_at_both_fidelities() -> None:
    columns = {
        "config": np.array([[0.0], [0.0], [0.0], [1.0], [1.0], [2.0], [3.0], [3.0]]),
        "fidelity": np.array([0.5, 0.5, 1, 0.5, 1, 1, 0.5, 1]),
        "loss": np.array([0.2, 0.4, 0.1, 0.5, 0.3, 0.2, 0.1, np.nan]),
    }
    found = ranks.pairs_of_evaluations(columns, 0.5)
    np.testing.assert_allclose(found, [[0.3, 0.1], [0.5, 0.3]])


def test_pairs_of_curves_are_of_one_seed_and_whole_curves(curve_table: Path) -> None:
    columns = table.read(curve_table, CURVES).columns
    found = ranks.pairs_of_curves(columns, 2)
    whole = (columns["epochs"] == EPOCHS) & (columns["training_seed"] == 0)
    assert len(found) == whole.sum() == 72
    assert found[0].tolist() == columns["loss"][0, [1, EPOCHS - 1]].tolist()


def test_ranks_with_ties_at_chance() -> None:
    pairs = np.array([[0.5, 0.1], [0.6, 0.2], [0.99, 0.3], [0.98, 0.4]])
    assert ranks.rank(pairs) == pytest.approx(0.8)
    assert ranks.rank(pairs, chance=0.9) == pytest.approx(0.949, abs=1e-3)
    assert np.isnan(ranks.rank(pairs[:2]))
    assert np.isnan(ranks.rank(np.ones((5, 2))))


@pytest.mark.parametrize(
    ("fidelities", "chosen"),
    [
        ([1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1], [1 / 64, 1 / 8]),
        ([n / 35 for n in range(1, 36)], [1 / 35, 6 / 35]),
        ([0.25, 1], [0.25]),
        ([1], []),
    ],
)
def test_the_cheapest_and_a_middle_fidelity_are_shown(
    fidelities: list[float], chosen: list[float]
) -> None:
    assert ranks.cheapest_and_middle(fidelities) == chosen


def test_the_picture_is_drawn_and_its_data_are_removed(tmp_path: Path) -> None:
    pairs = {0.25: np.random.default_rng(0).uniform(0.1, 1, (20, 2))}
    ranks.draw(pairs, lambda share: f"{share:g}", "error", tmp_path / "p.png")
    assert [path.name for path in tmp_path.iterdir()] == ["p.png"]
