from __future__ import annotations

import numpy as np

from benchmarks.core.space import Categorical, Float, Integer, Space
from benchmarks.core.trial import Fidelities
from methods.acquisition.candidates import around, exclude_pending, snap, uniform
from methods.acquisition.maximise import clip_fidelities
from methods.models.training_data import Pending

MIXED = Space(
    {"rate": Float(1e-4, 1.0, log=True), "units": Integer(1, 9), "kind": Categorical(("a", "b"))}
)


def test_candidates_are_real_configs() -> None:
    rng = np.random.default_rng(0)
    centres = uniform(MIXED, 3, rng)
    for x in (uniform(MIXED, 20, rng), around(MIXED, centres, 20, rng)):
        again = np.stack([MIXED.encode(MIXED.decode(row)) for row in x])
        np.testing.assert_allclose(x, again, atol=1e-12)
        for row in x:
            MIXED.check(MIXED.decode(row))


def test_snap_leaves_its_argument_alone() -> None:
    x = np.full((2, 4), 0.4)
    snap(MIXED, x)
    assert (x == 0.4).all()


def test_fidelities_are_those_on_offer() -> None:
    u = np.linspace(0, 1, 50)
    finite = clip_fidelities(Fidelities(values=(0.1, 0.25, 1.0)), u)
    assert set(finite) == {0.1, 0.25, 1.0}
    for s in clip_fidelities(Fidelities(low=1 / 300), u):
        Fidelities(low=1 / 300).check(float(s))
    assert set(clip_fidelities(Fidelities(), u)) == {1.0}


def test_what_is_running_scores_nothing() -> None:
    x = np.array([[0.1, 0.2], [0.1, 0.2], [0.1, 0.3], [0.1, 0.2 + 1e-15]])
    s = np.array([1.0, 0.5, 1.0, 1.0])
    pending = Pending(np.array([[0.9, 0.9], [0.1, 0.2]]), np.array([1.0, 1.0]))
    score = np.array([1.0, 2.0, 3.0, 4.0])
    assert exclude_pending(score, x, s, pending).tolist() == [-np.inf, 2.0, 3.0, -np.inf]
    assert exclude_pending(score, x, s, None) is score
