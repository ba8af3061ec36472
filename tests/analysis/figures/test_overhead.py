from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from analysis.figures.overhead import draw_overhead


def run(seed: int, overheads: list[float]) -> pd.DataFrame:
    return pd.DataFrame({
        "task": "bowl", "method": "ei", "seed": seed, "trial": range(len(overheads)),
        "overhead": overheads,
    })  # fmt: skip


def test_median_and_quartiles_of_each_trial_while_half_of_the_runs_go_on() -> None:
    table = pd.concat([run(0, [1, 2, 3]), run(1, [2, 4]), run(2, [3, 6])], ignore_index=True)
    drawn = draw_overhead(table)
    assert drawn.data["trial"].tolist() == [1, 2]  # one of three runs has a third
    assert drawn.data["median"].tolist() == [2, 4]
    assert drawn.data["lower"].tolist() == [1.5, 3]
    assert drawn.data["upper"].tolist() == [2.5, 5]
    (ax,) = drawn.figure.axes
    (line,) = ax.lines
    assert list(line.get_xdata()) == [1, 2]
    assert list(line.get_ydata()) == [2, 4]
    assert ax.get_yscale() == "log"
    assert "CPU s" in ax.get_ylabel()
    assert "3 seeds" in drawn.caption
    plt.close(drawn.figure)


@pytest.mark.parametrize("tasks", [1, 2, 4])
def test_one_panel_a_task(tasks: int) -> None:
    table = pd.concat([run(0, [1.0]).assign(task=f"bowl{n}") for n in range(tasks)])
    drawn = draw_overhead(table)
    assert [ax.get_title() for ax in drawn.figure.axes] == [f"bowl{n}" for n in range(tasks)]
    assert len(drawn.data) == tasks
    plt.close(drawn.figure)


def test_readings_of_a_machine_that_did_something_else_are_not_shown() -> None:
    quiet, busy = run(0, [1.0]).assign(load=1.1), run(1, [1.0]).assign(load=2.3)
    plt.close(draw_overhead(quiet).figure)
    with pytest.raises(ValueError, match="1 run shared the machine with other processes"):
        draw_overhead(pd.concat([quiet, busy]))
