from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.case_study import baseline_and_tuned, to_show, write_recorded
from benchmarks.settings import compose
from tasks import table as tables
from tasks.curves import CURVES


def test_the_tuned_config_is_the_recorded_one_with_the_lowest_mean_error(tmp_path: Path) -> None:
    start = compose("config", ["task=cars_head"])["task"]["baseline"]
    rows = pd.read_csv(write_recorded("cars_head", start, tmp_path / "recorded.csv"))
    assert set(rows.config) == {"baseline", "tuned"}
    assert rows.notna().all(axis=None)
    table = tables.read(tables.path_of("cars_head"), CURVES)
    columns = table.columns
    kept = pd.DataFrame(columns["config"]).assign(loss=columns["loss"][:, -1])
    lowest = kept[~columns["held_out"]].groupby(list(range(7))).loss.mean().min()
    assert abs(rows[rows.config == "tuned"].loss.mean() - lowest) < 1e-5
    tuned = baseline_and_tuned(table, start)["tuned"]
    assert rows[rows.config == "tuned"].learning_rate.iloc[0] == tuned["learning_rate"]


def test_shown_are_photos_that_only_the_tuned_config_gets_right_one_a_class() -> None:
    labels = np.repeat(np.arange(20), 3)
    shown = to_show(labels, np.full(60, 5), labels)
    assert shown.sum() == 12
    assert len(set(labels[shown])) == 12
    assert 5 not in labels[shown]
    assert not to_show(labels, labels, labels).any()
