from __future__ import annotations

import numpy as np
import pytest

from analysis.statistics.random_equivalent import equivalent, mean_equivalent
from support.random_configs import random_configs


def test_k_is_one_over_the_share_of_random_configs_that_are_as_good() -> None:
    """Ten configs with losses .1 to 1, the best of which has the best known loss."""
    random = random_configs(np.arange(1, 11) / 10, best_loss=0.1)
    regret = np.array([0.0, 0.1, 0.4, 0.9, np.inf, np.nan]) + 1e-12
    assert equivalent(random, regret)[:5].tolist() == [10, 5, 2, 1, 1]
    assert np.isnan(equivalent(random, regret)[5])


def test_k_is_capped_at_the_number_of_configs_that_were_drawn() -> None:
    random = random_configs(np.arange(1, 11) / 10, best_loss=0.01)
    assert equivalent(random, 0.0) == 10


def test_losses_within_the_resolution_are_tied() -> None:
    random = random_configs(np.arange(1, 11) / 10, best_loss=0.1, resolution=0.11)
    assert equivalent(random, 0.0) == 5


def test_ranks_may_have_gaps() -> None:
    random = random_configs(np.array([0.1, 0.2, 0.9]), ranks=np.array([1.0, 50, 100]), configs=100)
    assert equivalent(random, np.array([0.0, 0.15, 0.9])).tolist() == [100, 2, 1]


def test_k_is_averaged_as_its_logarithm() -> None:
    assert mean_equivalent(np.array([1.0, 100.0])) == pytest.approx(10)
