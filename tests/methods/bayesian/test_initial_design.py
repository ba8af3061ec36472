from __future__ import annotations

import numpy as np

from benchmarks.core.space import Space
from benchmarks.core.trial import Fidelities, History, Trial
from methods.bayesian.initial_design import SEED, initial_suggestion

SHARES = (1 / 64, 1 / 8)


def walk(space: Space, fidelities: Fidelities, seed: int, count: int = 8) -> History:
    history = History()
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        chosen = initial_suggestion(history, space, fidelities, SHARES, rng)
        note = chosen.note
        trial = Trial(number, chosen.config, chosen.fidelity, 0.5, 1.0, "ok", note)
        history = history.append(trial)
    return history


def test_space_filling_and_seeded(space: Space, fidelities: Fidelities) -> None:
    first, again, other = (walk(space, fidelities, seed) for seed in (0, 0, 1))
    assert first.trials == again.trials
    assert first.trials[0].config != other.trials[0].config
    # Eight Sobol points: one in each eighth of either axis.
    for name in space.names:
        assert sorted(int(8 * t.config[name]) for t in first) == list(range(8))


def test_fidelities_cycle_and_are_clipped(space: Space, fidelities: Fidelities) -> None:
    assert [t.fidelity for t in walk(space, fidelities, 0, 4)] == [1 / 64, 1 / 8, 1 / 64, 1 / 8]
    finite = Fidelities(values=(0.25, 1.0))
    assert {t.fidelity for t in walk(space, finite, 0, 4)} == {0.25}


def test_a_history_without_the_note(space: Space, fidelities: Fidelities) -> None:
    other = History([Trial(0, {"a": 0.1, "b": 0.2}, 1.0, 0.5, 1.0, "ok", {"bracket": 3})])
    rng = np.random.default_rng(0)
    chosen = initial_suggestion(other, space, fidelities, SHARES, rng)
    space.check(chosen.config)
    assert SEED not in chosen.note
