from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.data.incumbents import FINEST, bases, incumbents, notes, regret_of
from analysis.data.load import Run, load_runs
from analysis.data.tidy import RULES, tidy
from support.studies import FACTS, write_full_run

UNKNOWN: dict[str, Any] = {"true_loss": None, "true_test_loss": None, "recommended_loss": None}
UNKNOWN |= {"recommended_test_loss": None}


def forget_truth(folder: Path, scale: float = 1.0) -> None:
    """Make a run one of a task that has neither ``truth`` nor ``best_loss``."""
    rows = [json.loads(line) for line in (folder / "trace.jsonl").read_text().splitlines()]
    rows = [row | UNKNOWN | {"loss": scale * row["loss"]} for row in rows]
    (folder / "trace.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    meta = json.loads((folder / "meta.json").read_text())
    facts = FACTS | {"best_loss": None, "loss_floor": 0.0}
    (folder / "meta.json").write_text(json.dumps(meta | {"task_facts": facts}))


@pytest.fixture
def study(tmp_path: Path) -> list[Run]:
    for method in ("random", "fabolas"):
        for seed in range(3):
            write_full_run(tmp_path / f"one/{method}/seed-{seed}")
            forget_truth(tmp_path / f"one/{method}/seed-{seed}", scale=1000)
    return load_runs(tmp_path)


def test_a_task_without_truth_is_measured_by_observed_losses(study: list[Run]) -> None:
    basis = bases(study)["one"]
    assert (basis.observed, basis.observed_test, basis.best_of_study) == (True, True, True)
    full = [row["loss"] for run in study for row in run.rows if row["fidelity"] == 1]
    assert basis.best == min(full)
    first = [run.rows[0]["loss"] - basis.best for run in study]
    assert basis.floor == pytest.approx(FINEST * np.median(first))
    table = tidy(study)
    assert set(table.losses) == set(table.test_losses) == {"observed"}
    assert set(table.best) == {"study"}
    assert table.regret_best_at_target.min() == table.loss_floor.iloc[0] == basis.floor
    for rule in RULES:
        assert table[f"regret_{rule}"].notna().all()
    seen = table[table.trial > 0]
    assert seen[[f"test_{rule}" for rule in RULES]].notna().all(axis=None)


def test_a_recommended_config_has_the_loss_of_its_highest_fidelity(study: list[Run]) -> None:
    rows = [dict(row) for row in study[0].rows[:5]]
    a, b = {"x": 0.1}, {"x": 0.2}
    for row, config, fidelity, loss, recommended, at_target in zip(
        rows, (a, b, a, a, b), (0.25, 1, 1, 0.5, 0.5), (9.0, 5.0, 4.0, 1.0, 2.0),
        (a, a, a, a, {"x": 0.3}), (None, 1, 2, 2, 2), strict=True,
    ):  # fmt: skip
        row |= {"config": config, "fidelity": fidelity, "loss": loss, "recommended": recommended}
        row |= {"best_at_target": at_target, "test_loss": loss + 1}
    run = Run(study[0].folder, study[0].meta, rows)  # type: ignore[arg-type]
    basis = bases([run])["one"]
    assert basis.best == 4
    found = incumbents(run, "recommended", basis)
    # the last one was never trained: the lowest loss at the target stands for it
    assert found.loss.tolist() == [9, 9, 4, 4, 4]
    assert found.test.tolist() == [10, 10, 5, 5, 5]
    assert regret_of(run, basis)[0] == 5
    rows[0]["recommended"] = None
    assert regret_of(run, basis)[0] == np.inf


def test_known_losses_are_used_where_there_are_some(tmp_path: Path) -> None:
    write_full_run(tmp_path / "one/m/seed-0", task_facts=FACTS | {"best_loss": None})
    write_full_run(tmp_path / "two/m/seed-0")
    table = tidy(load_runs(tmp_path)).groupby("task")[["losses", "test_losses", "best"]].first()
    assert table.loc["one"].tolist() == ["true", "true", "study"]
    assert table.loc["two"].tolist() == ["true", "true", "task"]


def test_notes_name_the_tasks() -> None:
    assert notes([], []) == []
    first, second, third = notes(["a", "b"], ["a"], ["c"])
    assert first.startswith("No true loss is known on a, b: ")
    assert second.startswith("Regret on a is the difference from the lowest loss of the study")
    assert third == "Test errors on c are those that evaluations returned."
