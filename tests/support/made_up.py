"""A made-up tidy table of regrets, for what is drawn from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

FLOOR = 0.001
TRIAL = 10.0  # seconds; half a full training


def regrets(
    runs: Mapping[tuple[str, str], Sequence[Sequence[float]]], stopped_by: str = "trials"
) -> pd.DataFrame:
    """By task and method, seed by seed: the regret after each trial of 10 s."""
    rows = [
        {"task": task, "method": method, "seed": seed, "trial": trial,
         "regret_recommended": regret, "total_cost": TRIAL * (trial + 1),
         "total_overhead": 1.0 * (trial + 1), "budget": TRIAL * 4,
         "workers": 1, "log_scale": "unknown"}
        for (task, method), seeds in runs.items()
        for seed, run in enumerate(seeds)
        for trial, regret in enumerate(run)
    ]  # fmt: skip
    facts = {"target_cost": 2 * TRIAL, "loss_floor": FLOOR, "resolution": float("nan")}
    return pd.DataFrame(rows).assign(**facts, stopped_by=stopped_by)
