from __future__ import annotations

import pandas as pd

from analysis.figures import captions
from analysis.figures.cost_to_target import draw_cost_to_target
from analysis.figures.incumbent import draw_incumbent
from analysis.page.tables import final, speedups
from support.regrets import table

OBSERVED = {"losses": "observed", "test_losses": "observed", "best": "study"}


def of_stranger() -> pd.DataFrame:
    """Runs of a task without truth, on a scale of hundreds."""
    random = [(900.0, 500.0, 300.0)] * 2
    made = table({"ei": [(900.0, 400.0, 30.0), (800.0, 90.0, 90.0)], "random": random})
    made = made.assign(budget=30.0, stopped_by="cost", resolution=float("nan"), overhead=1.0)
    return made.assign(**OBSERVED, loss_floor=0.9, test_recommended=made.regret_recommended)


def test_a_regret_of_observed_losses_is_called_so_on_axes_and_in_captions() -> None:
    rows = of_stranger()
    drawn = draw_incumbent(rows)
    assert drawn.figure.axes[0].get_ylabel() == "observed regret (loss)"
    assert "No true loss is known on t: " in drawn.caption
    assert "lowest loss of the study" in drawn.caption
    assert "Test errors on t are those that" in draw_incumbent(rows, quantity="test").caption
    drawn = draw_cost_to_target(rows, "t", resamples=50)
    assert sorted(set(drawn.data.target)) == [50, 100, 200]
    assert drawn.figure.axes[0].get_title() == "observed regret ≤ 200"
    assert "Shown of 500, 200, 100, 50: " in drawn.caption
    assert "No true loss is known on t: " in drawn.caption
    for made in (final(rows, "t"), speedups(rows, "t")):
        assert "No true loss is known on t: " in made.caption


def test_true_losses_need_no_word() -> None:
    rows = of_stranger()
    assert captions.measured(rows.drop(columns=list(OBSERVED)), test=True) == ""
    true = rows.assign(losses="true", test_losses="true", best="task")
    assert captions.measured(true, test=True) == ""
    assert captions.regret_name(true) == "regret"
    assert captions.regret_name(true.assign(best="study")) == "regret above the study's best"


def test_the_reason_for_no_comparison_is_the_true_one() -> None:
    rows = of_stranger()
    assert captions.not_compared(rows, "recommended", "x") == "x"
    one = rows[rows.method == "ei"]
    said = captions.not_compared(one, "recommended", "x")
    assert said == "there are no two methods to compare"
    unknown = rows.assign(regret_recommended=float("nan"))
    said = captions.not_compared(unknown, "recommended", "x")
    assert said == "the regret is not known on t, and elsewhere x"
