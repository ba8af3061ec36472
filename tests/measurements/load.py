"""How fast a study is read: ``python tests/measurements/load.py [runs] [trials]`` gates nothing.

The promise (issue 6): 1,000 runs of 200 trials in under 5 s.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from analysis.data.load import load_runs
from analysis.data.tidy import tidy

FACTS = {"best_loss": 0.014, "target_cost": 181.59, "loss_floor": 5e-5, "resolution": None}
BUDGET = {"trials": 200, "cost": None, "target_evaluations": 20, "target_cost": None}


def write_run(folder: Path, trials: int, rng: np.random.Generator) -> None:
    """A made-up run as long, and with rows as wide, as those of ``svm_mnist``."""
    meta = {
        "task": "svm_mnist",
        "method": folder.parent.name,
        "seed": int(folder.name[5:]),
        "status": "finished",
        "stopped_by": "trials",
        "task_facts": FACTS,
        "settings": {"budget": BUDGET},
    }
    lines, total = [], 0.0
    for trial in range(trials):
        cost, loss, test = (float(x) for x in rng.uniform(0.01, 1, 3))
        config = {"log_c": float(rng.uniform(-10, 10)), "log_gamma": float(rng.uniform(-10, 10))}
        total += cost
        row = {
            "trial": trial,
            "config": config,
            "fidelity": float(rng.uniform()),
            "native": 12500,
            "nominal": None,
            "status": "ok",
            "loss": loss,
            "test_loss": test,
            "cost": cost,
            "note": {"bracket": 3, "rung": 2, "config": trial},
            "info": {"subset_seed": 0},
            "true_loss": loss,
            "true_test_loss": test,
            "cumulative_cost": total,
            "crossed_budget": False,
            "recommended": config,
            "recommended_loss": loss,
            "recommended_test_loss": test,
            "recommended_test_loss_refit": None,
            "best_at_target": None,
            "best_seen": 0,
            "suggest_overhead": float(rng.uniform()),
            "recommend_overhead": float(rng.uniform()),
            "started": "2026-11-24T03:27:14.702429+00:00",
            "ended": "2026-11-24T03:27:14.713854+00:00",
        }
        lines.append(json.dumps(row, separators=(",", ":")) + "\n")
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(json.dumps(meta))
    (folder / "trace.jsonl").write_text("".join(lines))


def main(runs: int, trials: int) -> None:
    """Write a study into a temporary folder; time ``load_runs`` and ``tidy``."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(runs):
            method, seed = f"method_{number // 100}", number % 100
            write_run(Path(folder) / "svm_mnist" / method / f"seed-{seed}", trials, rng)
        started, cpu = time.perf_counter(), time.process_time()
        loaded = load_runs(Path(folder))
        read = time.perf_counter()
        table = tidy(loaded)
        done, cpu = time.perf_counter(), time.process_time() - cpu
    print(f"{runs} runs, {len(table)} trials")
    print(f"load_runs  {read - started:6.2f} s")
    print(f"tidy       {done - read:6.2f} s")
    print(f"together   {done - started:6.2f} s, CPU {cpu:.2f} s")


if __name__ == "__main__":
    main(*([int(argument) for argument in sys.argv[1:3]] or [1000, 200]))
