from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import Delaunay

from benchmarks.core.arrays import Array
from tasks.replay.interpolation import Mesh, surfaces

CORNERS = np.array(list(itertools.product([0.0, 1.0], repeat=2)))
units = st.floats(0, 1)
seeds = st.integers(0, 2**32 - 1)


def scattered(seed: int, count: int = 12, d: int = 2) -> Array:
    inner = np.random.default_rng(seed).random((count, d))
    return np.concatenate([list(itertools.product([0.0, 1.0], repeat=d)), inner])


def plane(points: Array) -> Array:
    return 3 + points @ np.arange(1, points.shape[1] + 1)


@settings(deadline=None, max_examples=40)
@given(seeds, st.integers(1, 3), st.lists(units, min_size=3, max_size=3))
def test_a_plane_is_given_back_everywhere_edges_and_corners_too(
    seed: int, d: int, point: list[float]
) -> None:
    nodes = scattered(seed, d=d)
    mesh = Mesh(nodes)
    points = np.array([point[:d], np.round(point[:d]), [round(point[0]), *point[1:d]]])
    found = mesh.at(points, plane(nodes))
    np.testing.assert_allclose(found, plane(points), rtol=0, atol=1e-7)


@settings(deadline=None)
@given(seeds, units, units)
def test_weights_are_a_convex_combination_that_gives_the_point_back(
    seed: int, x: float, y: float
) -> None:
    mesh, point = Mesh(scattered(seed)), np.array([x, y])
    nodes, weights = mesh.weights(point)
    assert len(nodes) == len(weights) in (1, 3)
    assert weights.min() >= -1e-8
    assert weights.sum() == pytest.approx(1)
    np.testing.assert_allclose(weights @ mesh.nodes[nodes], point, atol=1e-7)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_a_node_is_its_own_and_only_support(d: int) -> None:
    grid = np.array(list(itertools.product(np.linspace(0, 1, 5), repeat=d)))
    mesh = Mesh(grid)
    for number, node in enumerate(grid):
        nodes, weights = mesh.weights(node)
        assert nodes.tolist() == [number]
        assert weights.tolist() == [1.0]


def test_outside_the_hull_and_without_triangles_the_nearest_node_counts() -> None:
    values = np.array([5.0, 6.0, 7.0])
    triangle = Mesh(np.array([[0.5, 0.5], [0.6, 0.5], [0.5, 0.6]]))
    assert triangle.at(np.array([[0.0, 0.1], [1.0, 0.4]]), values).tolist() == [5, 6]
    on_a_line = Mesh(np.array([[0.0, 0.0], [0.5, 0.5], [1.0, 1.0]]))
    assert on_a_line.at(np.array([[0.4, 0.6], [1.0, 0.9]]), values).tolist() == [6, 7]
    alone = Mesh(np.array([[0.3]]))
    assert alone.at(np.array([[0.9]]), np.array([4.0])).tolist() == [4]


def test_surfaces_give_recorded_nodes_exactly_and_differences_between() -> None:
    """With the difference between two fidelities a plane, three dear nodes tell the surface."""
    nodes = scattered(0)
    cheap = np.sin(7 * nodes).sum(axis=1)  # far from a plane
    dear = cheap - plane(nodes)
    few = np.array([0, 1, 2, 3, 7])
    both = np.array([cheap, 2 * cheap]), np.array([dear, 2 * dear])
    shares, found = surfaces(
        Mesh(nodes), {1.0: (few, both[1][:, few]), 0.25: (np.arange(len(nodes)), both[0])}
    )
    assert shares.tolist() == [0.25, 1.0]
    values, doubled = found
    np.testing.assert_allclose(doubled, 2 * values)  # each quantity by itself
    assert values[0].tolist() == cheap.tolist()
    assert values[1, few].tolist() == dear[few].tolist()
    np.testing.assert_allclose(values[1], dear, atol=1e-12)


def test_a_dear_fidelity_with_one_node_is_the_cheaper_one_shifted() -> None:
    nodes = scattered(1)
    cheap = np.arange(len(nodes), dtype=float)
    _, (values,) = surfaces(
        Mesh(nodes),
        {0.5: (np.arange(len(nodes)), cheap[None]), 1.0: (np.array([3]), cheap[None, [3]] - 2)},
    )
    np.testing.assert_allclose(values[1], cheap - 2)


def dense_minimum(mesh: Mesh, values: Array, steps: int) -> float:
    """The lowest mean on a lattice over each of the triangles, their corners included."""
    lattice = [(a, b, steps - a - b) for a in range(steps + 1) for b in range(steps + 1 - a)]
    triangles = mesh.nodes[Delaunay(mesh.nodes).simplices]
    points = np.einsum("wk,tkd->twd", np.array(lattice) / steps, triangles).reshape(-1, 2)
    return float(np.mean([np.exp(mesh.at(points, v)) for v in values], axis=0).min())


@pytest.mark.parametrize("seed", range(4))
def test_the_lowest_mean_of_several_surfaces_is_below_every_sample_and_is_reached(
    seed: int,
) -> None:
    mesh = Mesh(scattered(seed, count=6))
    values = np.random.default_rng(seed).normal(0, 1.5, (3, len(mesh.nodes)))
    lowest, sampled = mesh.lowest_mean(values), dense_minimum(mesh, values, 40)
    assert lowest <= sampled + 1e-9
    assert lowest == pytest.approx(sampled, rel=2e-3)


def test_the_lowest_mean_may_lie_between_nodes() -> None:
    """Two surfaces that fall in opposite directions: exp is convex."""
    mesh = Mesh(CORNERS)
    x = CORNERS[:, 0]
    values = np.array([x, 1 - x])
    assert mesh.lowest_mean(values) == pytest.approx(np.exp(0.5), abs=1e-9)
    assert np.exp(values).mean(axis=0).min() > 1.8
    assert mesh.lowest_mean(values[:1]) == 1.0
