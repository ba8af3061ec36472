from __future__ import annotations

import numpy as np
import pytest

from tasks.replay.rank_check import BARS, rank_checks, spearman


def test_a_perfect_replay_meets_both_bars() -> None:
    losses = np.random.default_rng(0).random(40)
    checks = rank_checks(losses, 2 * losses)
    assert [(c.group, c.configs, c.missed) for c in checks] == [
        ("all", 40, False),
        ("best quarter", 10, False),
    ]
    for check in checks:
        assert [check.rank, check.low, check.high] == pytest.approx([1, 1, 1])


def test_a_replay_that_shuffles_the_good_configs_misses_the_second_bar_only() -> None:
    losses = np.linspace(0.1, 1, 40)
    replayed = losses.copy()
    replayed[:10] = losses[:10][::-1]
    everything, best = rank_checks(losses, replayed)
    assert everything.rank > BARS["all"]
    assert not everything.missed
    assert best.rank == pytest.approx(-1)
    assert best.missed


def test_the_interval_holds_the_correlation_and_is_wider_for_few_configs() -> None:
    rng = np.random.default_rng(1)
    losses = rng.random(200)
    replayed = losses + 0.2 * rng.standard_normal(200)
    widths = []
    for count in (20, 200):
        check = rank_checks(losses[:count], replayed[:count])[0]
        assert check.low < check.rank < check.high
        widths.append(check.high - check.low)
    assert widths[0] > 2 * widths[1]


def test_losses_at_chance_are_ties() -> None:
    losses = np.array([0.1, 0.2, 0.3, 0.991, 0.992, 0.993])
    replayed = np.array([0.1, 0.2, 0.3, 0.993, 0.992, 0.991])
    assert rank_checks(losses, replayed)[0].rank < 0.95
    assert rank_checks(losses, replayed, chance=0.99)[0].rank == pytest.approx(1)


def test_a_replay_that_cannot_tell_configs_apart_misses_the_bar() -> None:
    check = rank_checks(np.arange(1.0, 9), np.ones(8))[0]
    assert np.isnan(check.rank)
    assert check.missed


def test_three_configs_are_too_few() -> None:
    assert rank_checks(np.arange(3.0), np.arange(3.0)) == []


def test_spearman_is_of_ranks() -> None:
    x = np.array([1.0, 2, 3, 4])
    assert spearman(x, np.exp(x)) == pytest.approx(1)
    assert spearman(x, np.array([1.0, 3, 2, 4])) == pytest.approx(0.8)
