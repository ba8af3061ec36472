from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.page.prices import PRICE
from analysis.page.talk_table import as_text, counterparts, measured, measured_note, talk


def table(hits: dict[str, list[tuple[int, bool]]]) -> pd.DataFrame:
    """By method, seed by seed: number of trials, an hour each, and whether the last got there."""
    rows = [
        {"task": "t", "method": method, "seed": seed, "total_cost": 3600.0 * (trial + 1),
         "total_overhead": 0.0, "loss_floor": 0.001, "target_cost": 3600.0,
         "regret_recommended": 0.0 if hit and trial == trials - 1 else 1.0,
         "end": np.nan, "workers": 1, "budget": np.inf}
        for method, runs in hits.items()
        for seed, (trials, hit) in enumerate(runs)
        for trial in range(trials)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_known_quartiles_in_all_units() -> None:
    rows = table({"x": [(n, True) for n in (10, 20, 30, 40)]})
    found = measured(rows, "t", 0.1, price=2.0, workers=4).set_index("quantity")
    assert found.unit.to_list() == ["", "full trainings", "h", "USD", "h on 4 workers"]
    found = found[found.unit != "full trainings"]
    quartiles = found[["q25", "median", "q75"]]
    assert quartiles.loc["trials"].to_list() == [15, 25, 35]
    assert quartiles.loc["cost"].to_list() == [15, 25, 35]
    assert quartiles.loc["price"].to_list() == [30, 50, 70]
    assert quartiles.loc["ideal wall-clock"].to_list() == [3.75, 6.25, 8.75]
    assert set(found.share) == {1.0}


def test_what_was_not_reached_is_a_bound() -> None:
    rows = table({"half": [(10, True), (20, True), (30, True), (5, False), (50, False)],
                  "never": [(5, False), (7, False), (9, False)]})  # fmt: skip
    found = measured(rows, "t", 0.1)
    found = found[found.unit != "full trainings"].set_index(["method", "quantity"])
    half = found.loc[("half", "trials")]
    assert (half.q25, half["median"], half.q25_bound, half.median_bound) == (20, 30, False, False)
    assert (half.q75, half.q75_bound) == (30, True)  # 5, 10, 20, 30, 50 spent
    never = found.loc[("never", "cost")]
    assert (never["median"], never.median_bound, never.share) == (7, True, 0)
    words = as_text(measured(rows, "t", 0.1)).set_index("method")
    assert words.loc["half", "trials"] == "30 (20 to > 30)"
    assert words.loc["never", "cost [h]"] == "> 7 (> 5 to > 9)"
    assert words.loc["half", "runs that reached it"] == "3 of 5 (60%)"


def test_wall_clock_of_parallel_runs_is_read_off_their_clock() -> None:
    rows = table({"x": [(4, True)]})
    rows = rows.assign(workers=2, end=[3600.0, 3700.0, 7200.0, 7300.0])
    found = measured(rows, "t", 0.1).set_index("quantity")
    assert found.loc["wall-clock", "median"] == pytest.approx(7300 / 3600)
    assert found.loc["wall-clock", "unit"] == "h on 2 workers"
    # both workers are paid for until the end, the idle one, too
    assert found.loc["price", "median"] == pytest.approx(2 * 7300 / 3600 * PRICE)
    assert "ideal" not in measured_note(rows)
    assert "it assumes that no worker ever waits" in measured_note(table({"x": [(4, True)]}))


def test_the_talks_methods_stand_beside_ours() -> None:
    found = counterparts(["mtbo", "mtbo_talk", "ei", "fabolas"])
    assert set(found) == {"ei"}  # the talk's Multitask is another method than MTBO
    assert set(counterparts(["mtbo_talk", "multitask", "random"])) == {"multitask", "random"}
    assert found["ei"] == "Bayesian: 646 observations, 2,713 h"


def test_too_fine_a_target_is_refused() -> None:
    with pytest.raises(ValueError, match="three validation examples"):
        measured(table({"x": [(1, True)]}), "t", 0.005)


def test_the_talks_figures_are_products() -> None:
    found = talk().set_index("method")
    sigopt, random = found.loc["SigOpt Multitask"], found.loc["Random"]
    assert sigopt.talk_hours == pytest.approx(220 * 4.2)
    assert sigopt.talk_wall_clock_hours == pytest.approx(924 / 20, abs=0.5)
    assert sigopt.talk_usd == pytest.approx(924 * 0.90, abs=0.5)
    assert found.loc["Bayesian", "talk_hours"] == pytest.approx(646 * 4.2, abs=0.5)
    assert random.talk_hours == pytest.approx(646 * 20 * 4.2)
    assert random.talk_usd == pytest.approx(random.talk_hours * 0.90, abs=0.5)
    assert np.isnan(found.loc["Bayesian", "talk_usd"])
    assert sigopt.talk_usd / random.talk_usd == pytest.approx(0.017, abs=5e-4)
    assert random.talk_hours / sigopt.talk_hours == pytest.approx(58, abs=1)


def test_measured_and_talk_share_no_column_but_the_name() -> None:
    ours = set(measured(table({"x": [(1, True)]}), "t", 0.1)) | set(
        as_text(measured(table({"x": [(1, True)]}), "t", 0.1))
    )
    assert ours & set(talk()) == {"method"}
