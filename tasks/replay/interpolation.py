"""Piecewise-linear interpolation of recorded values, within one subset seed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.spatial import Delaunay, QhullError

from benchmarks.core.arrays import Array

AT_NODE = 1 - 1e-9  # a weight above this means that the point is the node, up to rounding


class Mesh:
    """Linear interpolation between scattered nodes of the unit cube (Delaunay triangulation)."""

    def __init__(self, nodes: Array) -> None:
        """Triangulate ``nodes``, shape ``(n, d)``, in [0, 1].

        They should include the cube's corners: outside their hull, the nearest node is used.
        """
        self.nodes = nodes
        try:
            self._triangles: Delaunay | None = Delaunay(nodes) if nodes.shape[1] > 1 else None
        except QhullError:
            self._triangles = None  # too few or collinear nodes: nearest node everywhere
        if nodes.shape[1] == 1:
            self._order = np.argsort(nodes[:, 0])

    def weights(self, u: Array) -> tuple[NDArray[np.intp], Array]:
        """Return numbers and weights of the nodes around ``u (d,)``: ``d + 1``, or 1 at a node."""
        if self.nodes.shape[1] == 1 and len(self.nodes) > 1:
            nodes, weights = self._segment(float(u[0]))
        else:
            nodes, weights = self._corners(u)
        top = int(weights.argmax())
        if weights[top] > AT_NODE:
            return nodes[top : top + 1], np.ones(1)
        return nodes, weights

    def at(self, points: Array, values: Array) -> Array:
        """Interpolate at some points.

        Args:
            points: shape ``(m, d)``.
            values: values at the nodes, shape ``(n,)``, or ``(q, n)`` for q quantities.

        Returns:
            Values at the points, shape ``(m,)`` or ``(q, m)``.
        """
        pairs = [self.weights(u) for u in points]  # the slow part, shared by all quantities
        interpolated = [
            [weights @ row[nodes] for nodes, weights in pairs] for row in np.atleast_2d(values)
        ]
        return np.array(interpolated).reshape(*values.shape[:-1], len(points))

    def lowest_mean(self, values: Array) -> float:
        """Return the minimum over the cube of the mean of R surfaces that are linear in the log.

        Args:
            values: logarithms at the nodes, shape ``(R, n)``.
        """
        best = float(np.exp(values).mean(axis=0).min())
        if len(values) == 1 or self._triangles is None:
            return best  # a single log-linear surface is lowest at a node
        # Inside a triangle the mean is convex and may be lower than at all corners. But it is never
        # below the geometric mean, which is log-linear, so only few triangles must be searched.
        simplices = self._triangles.simplices
        floors = np.exp(values.mean(axis=0))[simplices].min(axis=1)
        for simplex in simplices[floors < best]:
            corners, start = values[:, simplex], np.full(len(simplex), 1 / len(simplex))
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

    def _corners(self, u: Array) -> tuple[NDArray[np.intp], Array]:
        if self._triangles is not None:
            # the tolerance accepts points on the edge of the hull despite rounding
            simplex = int(self._triangles.find_simplex(u, tol=1e-9))
            if simplex >= 0:
                transform = self._triangles.transform[simplex]
                d = len(u)
                head = transform[:d] @ (u - transform[d])
                weights = np.append(head, 1.0 - head.sum())
                return self._triangles.simplices[simplex], weights
        nearest = np.argmin(np.sum((self.nodes - u) ** 2, axis=1))
        return np.array([nearest]), np.ones(1)

    def _segment(self, x: float) -> tuple[NDArray[np.intp], Array]:
        xs = self.nodes[self._order, 0]
        right = int(np.clip(np.searchsorted(xs, x), 1, len(xs) - 1))
        t = float(np.clip((x - xs[right - 1]) / (xs[right] - xs[right - 1]), 0, 1))
        return self._order[right - 1 : right + 1], np.array([1 - t, t])


def surfaces(
    mesh: Mesh, levels: Mapping[float, tuple[NDArray[np.intp], Array]]
) -> tuple[Array, Array]:
    """Interpolate to all nodes of a mesh at every fidelity; high fidelities need fewer nodes.

    At the lowest fidelity the values are interpolated; at each higher one the *difference* to the
    next lower fidelity, which is smoother and so needs fewer nodes. At recorded nodes the result
    is exactly the recorded value.

    Args:
        mesh: mesh of all n nodes.
        levels: fidelity -> (numbers of the m nodes recorded at it, values of q quantities at these
            nodes, shape ``(q, m)``).

    Returns:
        The fidelities in rising order, shape ``(k,)``, and the values, shape ``(q, k, n)``.
    """
    shares = sorted(levels)
    quantities, n = len(levels[shares[0]][1]), len(mesh.nodes)
    values = np.zeros((quantities, len(shares), n))
    below = np.zeros((quantities, n))
    for row, share in enumerate(shares):
        nodes, recorded = levels[share]
        sparse = Mesh(mesh.nodes[nodes])
        others = np.setdiff1d(np.arange(n), nodes)
        change = sparse.at(mesh.nodes[others], recorded - below[:, nodes])
        values[:, row, others] = below[:, others] + change
        values[:, row, nodes] = recorded
        below = values[:, row]
    return np.array(shares), values
