from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from analysis.figures.hyperparameters import draw_hyperparameters
from analysis.figures.median_run import ORDER


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    plt.close("all")


RUN = pd.DataFrame({
    "task": "bowl", "method": "ei", "seed": 0, "trial": [0, 1, 2], "total_cost": [1.0, 2.0, 3.0],
    "budget": 3.0,
    "fidelity": [0.5, 1.0, 1.0], "loss": [0.3, np.nan, 0.1], "config.rate": [1e-4, 1e-2, 1.0],
    "config.units": [8.0, np.nan, 4.0], "config.other": np.nan,
    **dict.fromkeys(ORDER, 0.1), "log_scale": "rate",
})  # fmt: skip
RUN["config.nesterov"] = pd.Series([True, False, True], dtype=object)
RUN["config.optimiser"] = ["sgd", "adam", "sgd"]


def test_marks_of_every_hyperparameter_that_the_task_has() -> None:
    drawn = draw_hyperparameters(RUN, "bowl", "ei")
    data = drawn.data.set_index("hyperparameter")
    assert list(dict.fromkeys(data.index)) == ["rate", "units", "nesterov", "optimiser"]
    assert data.loc["rate", "value"].tolist() == [1e-4, 1e-2, 1.0]
    assert data.loc["units", "value"].tolist() == [8, 4]  # absent in one config
    places = data.loc["optimiser", "place"].astype(float)
    assert places.round().tolist() == [1, 0, 1]
    assert len(set(places)) == 3
    axes = drawn.figure.axes
    assert axes[0].collections[0].get_offsets().tolist() == [[1, 1e-4], [2, 1e-2], [3, 1]]
    assert axes[1].collections[0].get_offsets().tolist() == [[1e-4, 0.3], [1, 0.1]]  # one failed
    assert axes[1].collections[0].get_array().tolist() == [0.5, 1]
    assert (axes[0].get_yscale(), axes[1].get_xscale()) == ("log", "log")
    assert axes[2].get_yscale() == "linear"
    assert [label.get_text() for label in axes[4].get_yticklabels()] == ["False", "True"]
    assert [label.get_text() for label in axes[6].get_yticklabels()] == ["adam", "sgd"]
    assert axes[6].get_xlabel() == "evaluation cost so far (s)"


def test_the_seed_asked_for_or_the_median_run() -> None:
    better, worse = (RUN.assign(seed=n, **dict.fromkeys(ORDER, r)) for n, r in ((1, 0.0), (2, 0.2)))
    table = pd.concat([RUN, better, worse], ignore_index=True)
    assert set(draw_hyperparameters(table, "bowl", "ei", 2).data["seed"]) == {2}
    drawn = draw_hyperparameters(table, "bowl", "ei")
    assert set(drawn.data["seed"]) == {0}
    assert "the one with the median final regret of 3 runs" in drawn.caption


def test_many_hyperparameters_are_laid_out_in_two_columns_of_pairs() -> None:
    wide = RUN.assign(**{f"config.x{n}": [0.1, 0.2, 0.3] for n in range(3)})
    drawn = draw_hyperparameters(wide, "bowl", "ei")
    assert drawn.data["hyperparameter"].nunique() == 7
    assert len(drawn.figure.axes) == 2 * 7 + 1  # and the colour bar


def test_an_unknown_run_is_refused() -> None:
    with pytest.raises(ValueError, match="no trials of random"):
        draw_hyperparameters(RUN, "bowl", "random")
