from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analysis.data.random_configs import read_random_configs
from analysis.statistics.random_equivalent import equivalent
from benchmarks.core.trial import Truth
from benchmarks.illustrations.random_configs import SEED, write_random_configs
from tasks import RecordedTask, Synthetic


def test_k_from_the_files_is_k_of_all_configs_to_one_percent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Synthetic("branin")
    task.target_cost = task.good_cost = None  # so that the sample says it
    monkeypatch.setattr(task, "_cost", lambda config, s: 1.0 + config["x1"])
    write_random_configs("branin", task, tmp_path, count=2000)
    random = read_random_configs("branin", "none", "none", tmp_path)
    rng = np.random.default_rng(SEED)
    truths = [task.truth(task.space.sample(rng)) for _ in range(2000)]
    losses, costs = (np.array([getattr(t, name) for t in truths]) for name in ("loss", "cost"))
    assert task.best_loss is not None
    for regret in (0.001, 0.01, 0.1, 0.5):
        k = 1 / np.mean(losses <= task.best_loss + regret)
        assert equivalent(random, regret) == pytest.approx(k, rel=0.011)
    assert random.target_cost == pytest.approx(np.median(costs), rel=1e-5)
    best = costs[np.argsort(losses, kind="stable")[:200]]
    assert random.good_cost == pytest.approx(np.median(best), rel=1e-5)
    assert len(random.ranks) < 700


def test_the_summary_keeps_a_line_for_each_task(tmp_path: Path) -> None:
    for name in ("branin", "hartmann6", "branin"):
        write_random_configs(name, Synthetic(name), tmp_path, count=50)
    lines = (tmp_path / "summary.csv").read_text().splitlines()
    assert [line.partition(",")[0] for line in lines] == ["task", "branin", "hartmann6"]


def test_a_replay_names_its_table_and_others_are_refused(tmp_path: Path) -> None:
    task = RecordedTask("svm_vehicle")
    write_random_configs("svm_vehicle", task, tmp_path, count=50)
    table = str(task.identity["table"])
    assert read_random_configs("svm_vehicle", table, "none", tmp_path).best_loss == task.best_loss
    with pytest.raises(ValueError, match="of another table"):
        read_random_configs("svm_vehicle", "other", "none", tmp_path)
    with pytest.raises(ValueError, match=r"no losses of random configs of svm_mnist.*figure_data"):
        read_random_configs("svm_mnist", table, "none", tmp_path)


def test_a_task_without_truth_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = Synthetic("branin")
    monkeypatch.setattr(task, "truth", lambda config: Truth())
    with pytest.raises(ValueError, match="task=branin: the true losses and costs"):
        write_random_configs("branin", task, tmp_path, count=5)
