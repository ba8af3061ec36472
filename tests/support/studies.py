"""Writes made-up studies with whole traces, for tests of archive and report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from analysis.data.run_metadata import RunMetadata

FACTS = {"best_loss": 0.1, "loss_floor": 1e-4, "target_cost": 5.0, "resolution": None}
BUDGET = {"trials": None, "cost": None, "target_evaluations": 4, "target_cost": None}
KEY = {"method.version": 1, "task.version": 1, "identity.table": "abc"}


def write_full_run(
    folder: Path, trials: int = 12, names: Sequence[str] = ("x", "y"), **changes: Any
) -> None:
    """A run as the runner writes it: losses fall towards 0.1, every other trial is at the target.

    ``folder`` ends in ``<task>/<method>/seed-<n>``; ``changes`` replace entries of its meta.
    """
    task, method, seed = folder.parts[-3], folder.parts[-2], int(folder.name[5:])
    rng = np.random.default_rng([seed, *method.encode()])
    rows, total, best, at_target = [], 0.0, None, None
    losses = 0.1 + rng.uniform(0.001, 0.5, trials) / np.arange(1, trials + 1)
    for trial in range(trials):
        fidelity = 1.0 if trial % 2 else 0.25
        total += 5 * fidelity
        if best is None or losses[trial] < losses[best]:
            best = trial
        if fidelity == 1 and (at_target is None or losses[trial] < losses[at_target]):
            at_target = trial
        config = {name: float(rng.uniform()) for name in names}
        rows.append({
            "trial": trial, "config": config, "fidelity": fidelity, "native": 100 * fidelity,
            "status": "ok", "loss": losses[trial], "test_loss": losses[trial] + 0.01,
            "cost": 5 * fidelity, "true_loss": losses[trial],
            "true_test_loss": losses[trial] + 0.01, "cumulative_cost": total,
            "recommended": config, "recommended_loss": losses[best],
            "recommended_test_loss": losses[best] + 0.01, "best_at_target": at_target,
            "best_seen": best, "suggest_overhead": 0.1 / 3, "recommend_overhead": 0.01,
        })  # fmt: skip
    meta = {
        "task": task, "method": method, "seed": seed, "key": KEY, "status": "finished",
        "stopped_by": "target_evaluations", "task_facts": FACTS, "settings": {"budget": BUDGET},
        "commit": "c0ffee" + 34 * "0", "dirty": False, "versions": {"numpy": "2.4"},
        "machine": {"cpu": "some cpu"}, "started": f"2026-01-01T00:00:{seed:02d}+00:00",
    }  # fmt: skip
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(json.dumps(meta | changes))
    (folder / "trace.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_study(folder: Path, seeds: int = 3) -> None:
    """Two methods on two tasks."""
    for task in ("one", "two"):
        for method in ("random", "fabolas"):
            for seed in range(seeds):
                write_full_run(folder / task / method / f"seed-{seed}")


def metadata(task: str = "t", method: str = "m", seed: int = 0, **changes: Any) -> RunMetadata:
    """Metadata of a finished run, with ``changes``."""
    values: dict[str, Any] = {
        "status": "finished", "stopped_by": "trials", "started": "2026-01-01", "commit": "c",
        "dirty": False, "trials": 10, "cost": 1.0, "overhead": 0.1, "version": KEY,
        "versions": {}, "machine": {}, "caption": "",
    }  # fmt: skip
    return RunMetadata(task, method, seed, **values | changes)
