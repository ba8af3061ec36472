from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from analysis.figures.allocation import READINGS, draw_allocation
from analysis.figures.median_run import ORDER


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    plt.close("all")


def run(
    method: str, seed: int, costs: list[float], fidelities: list[float], losses: list[float]
) -> pd.DataFrame:
    return pd.DataFrame({
        "task": "bowl", "method": method, "seed": seed, "trial": range(len(costs)), "cost": costs,
        "total_cost": np.cumsum(costs), "fidelity": fidelities, "loss": losses, "budget": 100.0,
        **dict.fromkeys(ORDER, losses[-1]),
    })  # fmt: skip


TABLE = pd.concat([
    run("mtbo", 0, [1, 3, 4], [0.25, 1, 1], [0.5, 0.4, 0.45]),
    run("mtbo", 1, [1, 1, 2], [0.25, 0.25, 0.25], [0.5, 0.6, np.nan]),
    run("ei", 0, [4], [1], [0.3]),
    run("ei", 1, [4, 4], [1, 1], [0.3, 0.2]),
], ignore_index=True)  # fmt: skip


def test_the_marks_of_a_seed() -> None:
    drawn = draw_allocation(TABLE, "bowl", 0)
    mtbo = drawn.data[drawn.data["method"] == "mtbo"]
    shares = mtbo[mtbo["panel"] == "share"]
    low, full = shares[shares["fidelity"] == 0.25], shares[shares["fidelity"] == 1]
    assert low["value"].tolist() == [1, 0.25, 0.125]
    assert full["value"].tolist() == [0, 0.75, 0.875]
    assert low["total_cost"].tolist() == [1, 4, 8]
    trials = mtbo[mtbo["panel"] == "trial"]
    assert trials[["total_cost", "fidelity", "value"]].to_numpy().tolist() == [
        [1, 0.25, 0.5], [4, 1, 0.4], [8, 1, 0.45],
    ]  # fmt: skip
    best = mtbo[mtbo["panel"] == "best"]
    assert best[["total_cost", "value"]].to_numpy().tolist() == [[4, 0.4], [8, 0.4]]
    assert "seed 0" in drawn.caption


def test_what_is_drawn_is_the_data() -> None:
    drawn = draw_allocation(TABLE, "bowl", 0)
    axes = drawn.figure.axes
    assert [ax.get_title() for ax in axes[:2]] == ["mtbo\nseed 0", "ei\nseed 0"]
    dots = axes[2].collections[0]
    assert dots.get_offsets().tolist() == [[1, 0.25], [4, 1], [8, 1]]
    assert dots.get_array().tolist() == [0.5, 0.4, 0.45]
    (line,) = axes[4].lines
    assert list(line.get_ydata()) == [0.4, 0.4]
    assert [text.get_text() for text in drawn.figure.legends[0].get_texts()] == ["1", "1/4"]
    assert axes[-1].get_ylabel() == "loss of the trial"


def test_a_failed_trial_is_hollow_and_no_target_says_so() -> None:
    drawn = draw_allocation(TABLE, "bowl", 1)
    axes = drawn.figure.axes
    hollow = axes[2].collections[1]
    assert hollow.get_offsets().tolist() == [[4, 0.25]]
    assert len(hollow.get_facecolors()) == 0
    assert [text.get_text() for text in axes[4].texts] == ["no trial"]


def test_without_a_seed_each_method_shows_its_median_run() -> None:
    data = draw_allocation(TABLE, "bowl").data
    assert data.groupby("method")["seed"].unique().map(list).to_dict() == {"ei": [1], "mtbo": [0]}


def test_many_fidelities_are_binned_by_powers_of_two() -> None:
    shares = [0.9, 0.5, 0.49, 0.25, 0.2, 0.125, 0.1, 0.06, 1.0]
    drawn = draw_allocation(run("fabolas", 0, [1] * 9, shares, [0.1] * 9), "bowl")
    last = drawn.data[(drawn.data["panel"] == "share") & (drawn.data["trial"] == 8)]
    counts = {edge: round(9 * value) for edge, value in zip(last.fidelity, last.value, strict=True)}
    assert counts == {1: 1, 0.5: 2, 0.25: 2, 0.125: 2, 1 / 16: 1, 1 / 32: 1}
    names = [text.get_text() for text in drawn.figure.legends[0].get_texts()]
    assert names[:2] == ["1", "1/2 to 1"]


def test_all_failed_can_be_drawn_and_an_unknown_run_is_refused() -> None:
    drawn = draw_allocation(run("ei", 0, [1, 1], [1, 1], [np.nan, np.nan]), "bowl")
    assert set(drawn.data["panel"]) == {"share", "trial"}
    with pytest.raises(ValueError, match="seed 9"):
        draw_allocation(TABLE, "bowl", 9)


def test_shares_of_a_long_run_are_read_at_some_of_its_trials() -> None:
    long = run("ei", 0, [1.0] * 300, [0.25, 1.0] * 150, [0.3] * 300)
    data = draw_allocation(long, "bowl").data
    shares = data[data["panel"] == "share"]
    assert shares["trial"].nunique() <= READINGS + 2
    assert {0, 299} <= set(shares["trial"])
    assert shares[shares["trial"] == 299]["value"].tolist() == [0.5, 0.5]
    assert (data["panel"] == "trial").sum() == 300
