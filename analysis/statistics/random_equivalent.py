"""Random-search equivalent K: "as good as the best of K random full trainings"."""

from __future__ import annotations

import numpy as np

from analysis.data.load import Array
from analysis.data.random_configs import RandomConfigs


def equivalent(random: RandomConfigs, regret: Array | float) -> Array:
    """Return K = 1 / P(the true loss of a random config is at most that of this one).

    Losses within the task's ``resolution`` are tied, so K is lower where they cannot be told apart.
    It is between 1 (also without a recommendation, whose regret is infinite) and the number of
    configs that were drawn, and exact to one percent.

    Args:
        random: true losses of random configs of the task.
        regret: true regrets of recommended configs, any shape; infinite without one, NaN where not
            known, and so is K.
    """
    loss = np.asarray(regret, dtype=float) + random.best_loss + random.resolution
    last = np.searchsorted(random.losses, loss, side="right") - 1
    rank = np.where(last < 0, 1.0, random.ranks[np.maximum(last, 0)])
    return np.where(np.isnan(loss), np.nan, random.configs / rank)


def mean_equivalent(k: Array) -> float:
    """Return the geometric mean of values of K: K is averaged as log K. NaN if one is NaN."""
    return float(np.exp(np.mean(np.log(k))))
