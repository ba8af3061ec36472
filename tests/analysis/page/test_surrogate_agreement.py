from __future__ import annotations

import pandas as pd
import pytest

from analysis.page.surrogate_agreement import rank_changes, variants, without_variants


def table() -> pd.DataFrame:
    """Method a is best on ``t`` and worst on ``t_other``, in all three seeds; b the reverse."""
    regrets = {"t": {"a": 0.1, "b": 0.2, "c": 0.3}, "t_other": {"a": 0.3, "b": 0.2, "c": 0.1}}
    rows = [
        {"task": task, "method": method, "seed": seed, "trial": 0, "total_cost": 1.0,
         "total_overhead": 0.0, "regret_recommended": regret, "budget": 2.0,
         "replays": "sha", "surrogate": "trees" if task == "t" else "boosting"}
        for task, methods in regrets.items()
        for method, regret in methods.items()
        for seed in range(3)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_tasks_that_replay_one_table_are_variants() -> None:
    assert variants(table()) == {"t": ["t_other"]}
    assert set(without_variants(table()).task) == {"t"}
    assert variants(table().assign(surrogate="none")) == {}
    assert set(without_variants(table().assign(surrogate="none")).task) == {"t", "t_other"}


def test_methods_that_swap_beyond_their_intervals_are_named() -> None:
    shown = rank_changes(table(), "t", "t_other")
    assert shown.data.method.to_list() == ["a", "b", "c"]
    assert shown.data.place.to_list() == ["1 → 3", "2", "3 → 1"]
    assert "replayed by trees (t) and by boosting (t_other)" in shown.caption
    assert "their intervals do not overlap, a and b, a and c, b and c swap places." in shown.caption


def test_one_order_is_said_to_be_one() -> None:
    rows = table().assign(regret_recommended=table().method.map({"a": 0.1, "b": 0.2, "c": 0.3}))
    assert rank_changes(rows, "t", "t_other").caption.endswith("order of the methods is the same.")
    with pytest.raises(ValueError, match="fewer than two methods"):
        rank_changes(rows[rows.method == "a"], "t", "t_other")
