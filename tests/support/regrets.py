"""Made-up tables of trials by their regrets, for tests of targets and average costs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

SERIAL = {"end": np.nan, "workers": 1}


def table(runs: dict[str, Sequence[Sequence[float]]], **constants: object) -> pd.DataFrame:
    """Runs by method, seed by seed: the regret after each trial, which costs 10 s."""
    rows = [
        {"method": method, "seed": seed, "trial": trial, "regret_recommended": regret,
         "total_cost": 10.0 * (trial + 1), "total_overhead": 1.0 * (trial + 1)}
        for method, regrets in runs.items()
        for seed, run in enumerate(regrets)
        for trial, regret in enumerate(run)
    ]  # fmt: skip
    facts = (
        {"task": "t", "target_cost": 10.0, "loss_floor": 0.001, "budget": np.inf}
        | SERIAL
        | constants
    )
    return pd.DataFrame(rows).assign(**facts)


RUNS = {
    "random": [(0.5, 0.2, 0.05, 0.05), (np.inf, 0.5, 0.5, 0.5)],
    "ei": [(0.5, 0.05, 0.05, 0.05), (0.05,)],
}
