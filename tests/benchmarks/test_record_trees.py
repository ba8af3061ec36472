"""Record, compact and replay boosted trees: seven trainings of each config, really trained."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.components import build_task
from benchmarks.compose import compose
from benchmarks.record import main
from benchmarks.recorder import raw_rows
from benchmarks.recorder.design import sobol
from tasks.boosted_trees.task import SHARES
from tasks.replay import table
from tasks.replay.curves import CURVES, RecordedCurves

pytest.importorskip("lightgbm")


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory, data_dir: str) -> list[str]:
    """The command line of a recording of 24 small configs on 1,500 rows, four of them held out."""
    folder = tmp_path_factory.mktemp("trees")
    rng = np.random.default_rng(0)
    configs = [
        [float(rng.uniform(0.05, 0.3)), int(rng.integers(10, 14)), int(rng.integers(4, 12)),
         int(rng.integers(1, 20)), 1.0, 0.8, 0.9]
        for _ in range(24)
    ]  # fmt: skip
    shares = list(SHARES)
    stages = [
        {"configs": configs[:20], "fidelities": shares},
        {"configs": configs[20:], "fidelities": shares, "held_out": True},
        {"configs": configs[:2], "fidelities": shares, "subset_seeds": [1]},
        {"configs": configs[:1], "fidelities": shares[:3], "subset_seeds": [2]},
    ]
    arguments = [
        "task=gbm_covertype",
        "task.train_rows=1500",
        "task.subset_rows=200",
        f"task.data_dir={data_dir}",
        "design.stages=" + json.dumps(stages).replace('"', "").replace(" ", ""),
        f"rows={folder}/rows.jsonl",
        f"table={folder}/gbm_covertype.npz",
    ]
    assert main(arguments) == 0
    assert main([*arguments, "--compact"]) == 0
    return arguments


@pytest.mark.slow
def test_the_table_replays_each_training_at_its_own_cost(recording: list[str]) -> None:
    rows, path = (Path(word.partition("=")[2]) for word in recording[-2:])
    replay = RecordedCurves(str(path))
    assert replay.fidelities.values == SHARES
    trained = [row for row in raw_rows.read(rows) if row.record["subset_seed"] == 0]
    for row in (r for r in trained if not r.record["held_out"]):
        seen = replay.replay(row.record["config"], row.record["fidelity"], 0)
        assert seen.loss == row.record["loss"]
        assert 0.2 < seen.cost / row.record["cost"] < 5  # normalised
    assert table.read(path, CURVES).meta["dropped"] == 1
    card = path.with_suffix(".md").read_text()
    assert "1 curves are left out" in card
    assert "untuned config `baseline_default` (LightGBM's defaults" in card


@pytest.mark.slow
def test_the_task_replays_it_and_methods_can_be_compared_on_it(recording: list[str]) -> None:
    path = recording[-1].partition("=")[2]
    settings = compose("config", ["task=gbm_covertype"])["task"]
    settings |= {"source": "recorded", "table": path, "train_rows": 1500, "subset_rows": 200}
    task = build_task(settings, [])
    assert task.reproducible
    assert task.baselines["default"]["config"]["num_leaves"] == 31
    (config,) = sobol(task.space, 1, 0)
    rng = np.random.default_rng(0)
    costs = [task.evaluate(config, share, rng).cost for share in SHARES]
    assert costs[-1] > costs[0] > 0
