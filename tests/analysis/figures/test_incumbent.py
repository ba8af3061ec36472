from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from analysis.figures.incumbent import draw_incumbent


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    plt.close("all")


def run(method: str, seed: int, costs: list[float], regrets: list[float], **more: object) -> dict:
    return {
        "task": "bowl", "method": method, "seed": seed, "trial": range(len(costs)),
        "total_cost": np.cumsum(costs), "total_overhead": np.arange(1.0, len(costs) + 1),
        "regret_recommended": regrets, "regret_best_at_target": np.inf,
        "test_recommended": np.array(regrets) + 0.01, "budget": 100.0, "target_cost": 10.0,
        "loss_floor": 0.001, "resolution": np.nan, "stopped_by": "cost", **more,
    }  # fmt: skip


def table(*runs: dict) -> pd.DataFrame:
    return pd.concat([pd.DataFrame(each) for each in runs], ignore_index=True)


THREE = table(
    run("ei", 0, [1, 99], [0.1, 0.01]),
    run("ei", 1, [1, 99], [0.2, 0.02]),
    run("ei", 2, [10, 90], [0.4, 0.04]),
    run("random", 0, [1, 9], [0.9, 0.5], stopped_by="trials"),
)


def of(data: pd.DataFrame, method: str) -> pd.DataFrame:
    return data[data["method"] == method].reset_index(drop=True)


def test_median_and_quartiles_are_read_off_steps() -> None:
    ei = of(draw_incumbent(THREE).data, "ei")
    first, last = ei.iloc[0], ei.iloc[-1]
    assert first["clock_seconds"] == pytest.approx(1)
    assert last["clock_seconds"] == pytest.approx(100)
    # at first the third run has no incumbent: the median of (0.1, 0.2, inf) is finite, the upper
    # quartile is not
    assert first["median"] == pytest.approx(0.2)
    assert np.isnan(first["upper"])
    assert last[["lower", "median", "upper"]].tolist() == pytest.approx([0.015, 0.02, 0.03])


def test_the_lines_drawn_are_the_data() -> None:
    drawn = draw_incumbent(THREE)
    (line,) = [x for x in drawn.figure.axes[0].lines if x.get_label() == "ei"]
    ei = of(drawn.data, "ei")
    ei = ei[~ei["ended"]]
    # the last value is drawn on to the frame
    assert line.get_xdata()[:-1] == pytest.approx(ei["clock_seconds"].to_numpy())
    assert line.get_ydata() == pytest.approx([*ei["median"], ei["median"].iloc[-1]])
    ax = drawn.figure.axes[0]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    labels = [each.get_xlabel() for each in drawn.figure.axes]
    assert "evaluation cost (s)" in labels
    (above,) = ax.child_axes
    drawn.figure.draw_without_rendering()
    assert above.get_xlabel() == "full trainings"
    assert above.get_xlim() == pytest.approx(np.array(ax.get_xlim()) / 10)


def test_on_the_wall_clock_a_full_training_is_a_length_of_time() -> None:
    # two workers: the second trial ends after 60 of its run's 100 seconds of cost
    drawn = draw_incumbent(table(run("ei", 0, [50, 50], [0.1, 0.01], end=[50, 60])), "recommended",
                           "wall-clock")  # fmt: skip
    assert drawn.data["clock_seconds"].iloc[-1] == pytest.approx(60)
    assert "wall-clock (s)" in [each.get_xlabel() for each in drawn.figure.axes]
    (above,) = drawn.figure.axes[0].child_axes
    assert above.get_xlabel() == "times as long as a full training"


def test_a_run_stopped_by_trials_stays_flat_after_a_dot() -> None:
    drawn = draw_incumbent(THREE)
    random = of(drawn.data, "random")
    after = random[random["ended"]]
    assert (after["clock_seconds"] > 10).all()
    assert random.loc[~random["ended"], "clock_seconds"].max() == 10
    assert set(after["median"]) == {0.5}
    assert set(after["alive"]) == {0}
    assert set(random.loc[~random["ended"], "alive"]) == {1}
    (dot,) = [x for x in drawn.figure.axes[0].lines if x.get_marker() == "o"]
    assert (dot.get_xdata()[0], dot.get_ydata()[0]) == (10, 0.5)
    assert "A dot marks" in drawn.caption


def test_a_rule_without_a_value_is_absent_and_said_to_be() -> None:
    runs = table(run("ei", 0, [1, 2], [0.1, 0.1]), run("random", 0, [1, 2], [np.inf, np.inf]))
    drawn = draw_incumbent(runs)
    assert set(drawn.data["method"]) == {"ei"}
    assert (
        "half of the runs or more have no such config or its regret is not known: random on bowl"
        in drawn.caption
    )
    nothing = draw_incumbent(runs, rule="best_at_target")
    assert nothing.data.empty
    assert "all methods on bowl" in nothing.caption
    unknown = draw_incumbent(table(run("ei", 0, [1, 2], [np.nan, np.nan])))
    assert unknown.data.empty


def test_regret_below_the_resolution_is_shaded_and_the_cost_unknown_has_no_second_axis() -> None:
    drawn = draw_incumbent(
        table(run("ei", 0, [1, 2], [0.1, 0.01], resolution=0.05, target_cost=np.nan))
    )
    ax = drawn.figure.axes[0]
    assert not ax.child_axes
    assert any("interpolation error (0.05)" in text.get_text() for text in ax.texts)
    assert max(patch.get_y() + patch.get_height() for patch in ax.patches) == pytest.approx(0.05)


def test_test_error_and_overhead_on_the_clock() -> None:
    drawn = draw_incumbent(THREE, clock="cost + overhead", quantity="test")
    ei = of(drawn.data, "ei")
    assert ei["clock_seconds"].iloc[[0, -1]].tolist() == pytest.approx([2, 102])
    assert ei["median"].iloc[-1] == pytest.approx(0.03)
    assert drawn.figure.axes[0].get_ylabel() == "test error"
    assert "overhead" in drawn.caption


def test_names_at_line_ends_if_they_fit_else_a_legend() -> None:
    apart = draw_incumbent(THREE)
    assert not apart.figure.legends
    assert {"ei", "random"} <= {text.get_text() for text in apart.figure.axes[0].texts}
    close = draw_incumbent(
        table(run("ei", 0, [1, 2], [0.9, 0.01]), run("random", 0, [1, 2], [0.9, 0.0101]))
    )
    assert [t.get_text() for t in close.figure.legends[0].get_texts()] == ["ei", "random"]


def test_a_single_trial() -> None:
    drawn = draw_incumbent(table(run("ei", 0, [5], [0.1])))
    assert set(drawn.data["median"]) == {0.1}
    drawn.figure.draw_without_rendering()
    assert "1 seed" in drawn.caption
