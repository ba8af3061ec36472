"""Made-up random configs of a task, for tests of measures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.data.random_configs import RandomConfigs


def random_configs(losses: NDArray[np.float64], **changes: Any) -> RandomConfigs:
    """Random configs with these losses, rising; a training of a good one costs 10 s."""
    facts: dict[str, Any] = {
        "task": "t", "table": "none", "surrogate": "none", "configs": len(losses),
        "best_loss": float(losses[0]), "resolution": 0.0, "target_cost": 20.0, "good_cost": 10.0,
        "untuned": "", "untuned_loss": np.nan, "untuned_test_loss": np.nan, "untuned_k": np.nan,
        "ranks": np.arange(1.0, len(losses) + 1),
    }  # fmt: skip
    return RandomConfigs(**facts | {"losses": losses} | changes)
