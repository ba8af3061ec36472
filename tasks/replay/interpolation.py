"""Piecewise-linear interpolation of recorded values, within one subset seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import LinearNDInterpolator
from scipy.optimize import minimize
from scipy.spatial import Delaunay, QhullError

from benchmarks.core.arrays import Array

MOST_DIMENSIONS = 3
"""the number of simplices explodes with dimensions: 200 points in seven take seconds"""


class Interpolator:
    """Linear interpolation between scattered nodes of the unit cube (Delaunay triangulation)."""

    def __init__(self, nodes: Array, values: Array) -> None:
        """Triangulate the nodes.

        Args:
            nodes: shape ``(n, d)``, in [0, 1], d up to ``MOST_DIMENSIONS``. They should include
                the cube's corners: outside their hull, the nearest node is used.
            values: values of q quantities at the nodes, shape ``(n, q)``.
        """
        self._nodes, self._values = nodes, values
        self._linear: Any = None
        if nodes.shape[1] == 1:
            self._order = np.argsort(nodes[:, 0])
        else:
            try:
                self._linear = LinearNDInterpolator(Delaunay(nodes), values)
            except QhullError:
                self._linear = None  # too few or collinear nodes: nearest node everywhere

    def __call__(self, points: Array) -> Array:
        """Return the values at points ``(m, d)``, shape ``(m, q)``."""
        if self._nodes.shape[1] == 1:
            x, xs = points[:, 0], self._nodes[self._order, 0]
            return np.stack([np.interp(x, xs, y) for y in self._values[self._order].T], axis=1)
        if self._linear is None:
            return self._values[self._nearest(points)]
        found: Array = self._linear(points)
        outside = np.isnan(found).all(axis=1)
        if outside.any():
            found[outside] = self._values[self._nearest(points[outside])]
        return found

    def lowest_mean(self, logs: Array) -> float:
        """Return the minimum over the cube of the mean of R surfaces that are linear in the log.

        Args:
            logs: logarithms at the nodes, shape ``(R, n)``.
        """
        best = float(np.exp(logs).mean(axis=0).min())
        if len(logs) == 1 or self._linear is None:
            return best  # a single log-linear surface is lowest at a node
        # Inside a triangle the mean is convex and may be lower than at all corners. But it is never
        # below the geometric mean, which is log-linear, so only few triangles must be searched.
        simplices = self._linear.tri.simplices
        floors = np.exp(logs.mean(axis=0))[simplices].min(axis=1)
        for simplex in simplices[floors < best]:
            corners, start = logs[:, simplex], np.full(len(simplex), 1 / len(simplex))
            solution = minimize(
                lambda w, corners=corners: np.exp(corners @ w).mean(),
                start,
                jac=lambda w, corners=corners: (np.exp(corners @ w) @ corners) / len(corners),
                bounds=[(0, 1)] * len(simplex),
                constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
                method="SLSQP",
                options={"ftol": 1e-12},
            )
            weights = np.clip(solution.x, 0, 1)
            best = min(best, float(np.exp(corners @ (weights / weights.sum())).mean()))
        return best

    def _nearest(self, points: Array) -> NDArray[np.intp]:
        squares = ((points[:, None] - self._nodes) ** 2).sum(axis=2)
        return np.asarray(squares.argmin(axis=1))


def surfaces(
    nodes: Array, levels: Mapping[float, tuple[NDArray[np.intp], Array]]
) -> tuple[Array, Array]:
    """Interpolate to all nodes at every fidelity; high fidelities need fewer nodes.

    At the lowest fidelity the values are interpolated; at each higher one the *difference* to the
    next lower fidelity, which is smoother and so needs fewer nodes. At recorded nodes the result
    is exactly the recorded value.

    Args:
        nodes: all n nodes, shape ``(n, d)``.
        levels: fidelity -> (numbers of the m nodes recorded at it, values of q quantities at these
            nodes, shape ``(q, m)``).

    Returns:
        The fidelities in rising order, shape ``(k,)``, and the values, shape ``(q, k, n)``.
    """
    shares = sorted(levels)
    quantities, n = len(levels[shares[0]][1]), len(nodes)
    values = np.zeros((quantities, len(shares), n))
    below = np.zeros((quantities, n))
    for row, share in enumerate(shares):
        here, recorded = levels[share]
        change = Interpolator(nodes[here], (recorded - below[:, here]).T)(nodes).T
        values[:, row] = below + change
        values[:, row, here] = recorded
        below = values[:, row]
    return np.array(shares), values
