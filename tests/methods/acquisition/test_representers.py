from __future__ import annotations

import numpy as np

from benchmarks.core.space import Float, Space
from methods.acquisition.representers import at_target, draw_representers
from methods.models.kernels import Points, loss_basis
from methods.models.sampling import fit


def test_they_gather_where_the_minimum_at_the_target_is() -> None:
    """RoBO's reference was the minimum at the smallest subset instead."""
    space = Space({"a": Float(0.0, 1.0)})
    rng = np.random.default_rng(0)
    x, u = rng.random((40, 1)), rng.random(40)
    # The optimum runs from 0.1 at the smallest subset to 0.8 at the target.
    y = 4 * np.square(x[:, 0] - 0.8) + 5.6 * (x[:, 0] - 0.8) * (1 - u) ** 2
    model = fit(Points(x, loss_basis(u)), y, 6, rng)
    basis = loss_basis(np.ones(1))[0]
    found = draw_representers(model, space, x, basis, 20, rng)
    assert found.shape == (6, 20, 1)
    assert abs(np.median(found) - 0.8) < 0.1
    # No two of a set are the same point.
    assert all(len(np.unique(one)) == 20 for one in found)
    grid = at_target(np.linspace(0, 1, 101)[:, None], basis)
    assert abs(model.mean(grid).mean(axis=0).argmin() / 100 - 0.8) < 0.1
