"""Writes small made-up runs, as the runner leaves them, for tests of the analysis."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from support.rows import trial_row

FACTS = {"best_loss": 0.1, "loss_floor": 1e-4, "target_cost": 5.0}
BUDGET = {"trials": None, "cost": None, "target_evaluations": 4, "target_cost": None}


def write_run(
    folder: Path, losses: Sequence[float | None], cost: float = 5.0, **changes: Any
) -> None:
    """A run whose recommended config has these true losses; every trial costs ``cost`` seconds."""
    meta = {
        "task": "t",
        "status": "finished",
        "stopped_by": "target_evaluations",
        "task_facts": FACTS,
        "settings": {"budget": BUDGET},
    }
    rows = [
        trial_row(
            number,
            cost=cost,
            cumulative_cost=cost * (number + 1),
            recommended=None if loss is None else {"x": 1},
            recommended_loss=loss,
            suggest_overhead=0.5,
            recommend_overhead=0.25,
        )
        for number, loss in enumerate(losses)
    ]
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(json.dumps(meta | changes))
    (folder / "trace.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
