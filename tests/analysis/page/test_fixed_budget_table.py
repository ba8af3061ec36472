from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from analysis.data.random_configs import with_good_cost
from analysis.page.fixed_budget_table import NOTHING, fixed_budgets
from benchmarks.illustrations.random_configs import write_random_configs
from support.regrets import table
from tasks import Synthetic


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """Two methods on Branin, ten and four trials of half a training."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "results/random_configs"
    write_random_configs("branin", Synthetic("branin"), folder, count=500)
    runs = {"random": [[0.5, 0.1] + [0.01] * 8] * 2, "ei": [[0.5, 0.1, 0.1, 0.0]] * 2}
    rows = table(runs, test_recommended=0.3, replays="none", surrogate="none", stopped_by="cost")
    rows = with_good_cost(rows.assign(task="branin", losses="true"))
    rows["total_cost"] *= rows.good_cost / 20
    return rows.assign(delivery=rows.good_cost)


def test_rows_by_measure_and_method_and_budgets_that_were_spent(study: pd.DataFrame) -> None:
    shown = fixed_budgets(study, "branin")
    assert list(shown.data) == ["measure", "method", "0.3", "1", "3"]
    cells = shown.data.set_index(["measure", "method"])
    assert cells.loc[("regret, delivered", "random")].tolist() == [NOTHING, NOTHING, "0.01"]
    assert cells.loc[("K, found", "ei")].tolist()[:2] == [
        "1 (1 to 1)",
        cells.loc[("K, found", "random"), "1"],
    ]
    assert cells.loc[("K, found", "ei"), "3"] == NOTHING  # it ended at two trainings
    assert "trainings of a good config" in shown.caption


def test_without_the_cost_of_delivery_only_found_is_shown(study: pd.DataFrame) -> None:
    shown = fixed_budgets(study.drop(columns="delivery"), "branin").data
    assert set(shown.measure) == {"K, found"}


def test_without_random_configs_there_is_a_line_that_says_what_to_do(study: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match=r"of another table.*figure_data"):
        fixed_budgets(study.assign(replays="abc"), "branin")


def test_the_caption_says_what_a_training_of_the_runs_costs(study: pd.DataFrame) -> None:
    scaled = study.assign(good_cost=15120.0, total_cost=study.total_cost * 1000)
    assert "(1.51e+04 s each)" in fixed_budgets(scaled, "branin").caption
    both = pd.concat([study[study.method == "random"], scaled[scaled.method == "ei"]])
    assert " s or 1.51e+04 s each)" in fixed_budgets(both, "branin").caption


def test_the_caption_says_the_highest_k_that_ties_allow(study: pd.DataFrame) -> None:
    """Ten of the 500 configs are within the error of the replay of the best one."""
    path = Path("results/random_configs")
    losses = pd.read_csv(path / "branin.csv").set_index("rank").loss
    summary = pd.read_csv(path / "summary.csv")
    summary["resolution"] = losses[10] - summary.best_loss + 1e-12
    summary.to_csv(path / "summary.csv", index=False)
    assert "are tied, so K is at most 50)" in fixed_budgets(study, "branin").caption
