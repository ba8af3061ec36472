"""Piecewise-linear interpolation of a recording, within one subset seed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay, QhullError

Array = NDArray[np.float64]


class Mesh:
    """Linear interpolation between scattered nodes of the unit cube (Delaunay triangles)."""

    def __init__(self, nodes: Array) -> None:
        """``nodes``: shape ``(n, d)``, in [0, 1]; they should include the cube's corners, for
        outside their hull the value of the nearest node is used.
        """
        self.nodes = nodes
        try:
            self._triangles: Delaunay | None = Delaunay(nodes) if nodes.shape[1] > 1 else None
        except QhullError:
            self._triangles = None  # too few or collinear nodes: nearest node everywhere
        if nodes.shape[1] == 1:
            self._order = np.argsort(nodes[:, 0])

    def weights(self, u: Array) -> tuple[NDArray[np.intp], Array]:
        """Node numbers and weights, each of shape ``(d + 1,)`` or less, for point ``u (d,)``."""
        if self.nodes.shape[1] == 1 and len(self.nodes) > 1:
            return self._segment(float(u[0]))
        if self._triangles is not None:
            # the tolerance lets points on the hull's edge in, in spite of rounding
            simplex = int(self._triangles.find_simplex(u, tol=1e-9))
            if simplex >= 0:
                transform = self._triangles.transform[simplex]
                d = len(u)
                head = transform[:d] @ (u - transform[d])
                weights = np.append(head, 1.0 - head.sum())
                return self._triangles.simplices[simplex], weights
        nearest = np.argmin(np.sum((self.nodes - u) ** 2, axis=1))
        return np.array([nearest]), np.ones(1)

    def at(self, points: Array, values: Array) -> Array:
        """Interpolate node values ``(n,)`` at points ``(m, d)``; shape ``(m,)``."""
        pairs = [self.weights(u) for u in points]
        return np.array([weights @ values[nodes] for nodes, weights in pairs])

    def _segment(self, x: float) -> tuple[NDArray[np.intp], Array]:
        xs = self.nodes[self._order, 0]
        right = int(np.clip(np.searchsorted(xs, x), 1, len(xs) - 1))
        t = float(np.clip((x - xs[right - 1]) / (xs[right] - xs[right - 1]), 0, 1))
        return self._order[right - 1 : right + 1], np.array([1 - t, t])


def surfaces(
    mesh: Mesh, levels: Mapping[float, tuple[NDArray[np.intp], Array]]
) -> tuple[Array, Array]:
    """Values at all nodes of a mesh for every fidelity, from fewer nodes at the dear ones.

    The cheapest fidelity is interpolated itself; at each dearer one the *difference* to the next
    cheaper is, which is smoother and so needs fewer nodes. At recorded nodes this gives exactly
    what was recorded.

    Args:
        mesh: all nodes, n of them.
        levels: fidelity -> (numbers of the nodes recorded there, their values).

    Returns:
        The fidelities in rising order, shape ``(k,)``, and the values, shape ``(k, n)``.
    """
    shares = sorted(levels)
    values = np.zeros((len(shares), len(mesh.nodes)))
    below = np.zeros(len(mesh.nodes))
    for row, share in enumerate(shares):
        nodes, recorded = levels[share]
        sparse = Mesh(mesh.nodes[nodes])
        values[row] = below + sparse.at(mesh.nodes, recorded - below[nodes])
        values[row, nodes] = recorded  # exactly, whatever rounding did
        below = values[row]
    return np.array(shares), values
