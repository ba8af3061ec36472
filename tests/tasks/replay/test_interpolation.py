from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import Delaunay

from benchmarks.core.arrays import Array
from tasks.replay.interpolation import Interpolator, surfaces

CORNERS = np.array(list(itertools.product([0.0, 1.0], repeat=2)))
units = st.floats(0, 1)
seeds = st.integers(0, 2**32 - 1)


def scattered(seed: int, count: int = 12, d: int = 2) -> Array:
    inner = np.random.default_rng(seed).random((count, d))
    return np.concatenate([list(itertools.product([0.0, 1.0], repeat=d)), inner])


def plane(points: Array) -> Array:
    return 3 + points @ np.arange(1, points.shape[1] + 1)


@settings(max_examples=40)
@given(seeds, st.integers(1, 3), st.lists(units, min_size=3, max_size=3))
def test_a_plane_is_given_back_everywhere_edges_and_corners_too(
    seed: int, d: int, point: list[float]
) -> None:
    nodes = scattered(seed, d=d)
    points = np.array([point[:d], np.round(point[:d]), [round(point[0]), *point[1:d]]])
    found = Interpolator(nodes, plane(nodes)[:, None])(points)
    np.testing.assert_allclose(found[:, 0], plane(points), rtol=0, atol=1e-7)


def weights(nodes: Array, points: Array) -> Array:
    """How much each node counts at each point: that of values which are 1 at one node only."""
    return Interpolator(nodes, np.eye(len(nodes)))(points)


@given(seeds, units, units)
def test_weights_are_a_convex_combination_that_gives_the_point_back(
    seed: int, x: float, y: float
) -> None:
    nodes, point = scattered(seed), np.array([[x, y]])
    (found,) = weights(nodes, point)
    assert np.count_nonzero(found) <= 3
    assert found.min() >= -1e-8
    assert found.sum() == pytest.approx(1)
    np.testing.assert_allclose(found @ nodes, point[0], atol=1e-7)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_a_node_is_its_own_and_only_support(d: int) -> None:
    grid = np.array(list(itertools.product(np.linspace(0, 1, 5), repeat=d)))
    np.testing.assert_allclose(weights(grid, grid), np.eye(len(grid)), rtol=0, atol=1e-15)


def test_outside_the_hull_and_without_triangles_the_nearest_node_counts() -> None:
    values = np.array([[5.0], [6.0], [7.0]])
    triangle = Interpolator(np.array([[0.5, 0.5], [0.6, 0.5], [0.5, 0.6]]), values)
    assert triangle(np.array([[0.0, 0.1], [1.0, 0.4]])).tolist() == [[5], [6]]
    on_a_line = Interpolator(np.array([[0.0, 0.0], [0.5, 0.5], [1.0, 1.0]]), values)
    assert on_a_line(np.array([[0.4, 0.6], [1.0, 0.9]])).tolist() == [[6], [7]]
    one_of_two = Interpolator(np.array([[0.0, 0.0], [0.5, 0.5]]), values[:2])
    assert one_of_two(np.array([[0.9, 0.1], [0.1, 0.2]])).tolist() == [[6], [5]]
    alone = Interpolator(np.array([[0.3]]), np.array([[4.0]]))
    assert alone(np.array([[0.9], [0.3], [0.0]])).tolist() == [[4]] * 3


def test_in_one_dimension_the_nodes_need_no_order() -> None:
    between = Interpolator(np.array([[1.0], [0.0], [0.5]]), np.array([[4.0], [1.0], [2.0]]))
    assert between(np.array([[0.25], [0.75], [1.0]])).tolist() == [[1.5], [3.0], [4.0]]


def test_a_quantity_that_is_not_known_leaves_the_others_alone() -> None:
    values = np.column_stack([plane(CORNERS), np.full(4, np.nan)])
    (found,) = Interpolator(CORNERS, values)(np.array([[0.3, 0.6]]))
    assert found[0] == pytest.approx(4.5)
    assert np.isnan(found[1])


def test_surfaces_give_recorded_nodes_exactly_and_differences_between() -> None:
    """With the difference between two fidelities a plane, three dear nodes tell the surface."""
    nodes = scattered(0)
    cheap = np.sin(7 * nodes).sum(axis=1)  # far from a plane
    dear = cheap - plane(nodes)
    few = np.array([0, 1, 2, 3, 7])
    both = np.array([cheap, 2 * cheap]), np.array([dear, 2 * dear])
    shares, found = surfaces(
        nodes, {1.0: (few, both[1][:, few]), 0.25: (np.arange(len(nodes)), both[0])}
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
        nodes,
        {0.5: (np.arange(len(nodes)), cheap[None]), 1.0: (np.array([3]), cheap[None, [3]] - 2)},
    )
    np.testing.assert_allclose(values[1], cheap - 2)


def dense_minimum(nodes: Array, logs: Array, steps: int) -> float:
    """The lowest mean on a lattice over each of the triangles, their corners included."""
    lattice = [(a, b, steps - a - b) for a in range(steps + 1) for b in range(steps + 1 - a)]
    triangles = nodes[Delaunay(nodes).simplices]
    points = np.einsum("wk,tkd->twd", np.array(lattice) / steps, triangles).reshape(-1, 2)
    return float(np.exp(Interpolator(nodes, logs.T)(points)).mean(axis=1).min())


@pytest.mark.parametrize("seed", range(4))
def test_the_lowest_mean_of_several_surfaces_is_below_every_sample_and_is_reached(
    seed: int,
) -> None:
    nodes = scattered(seed, count=6)
    logs = np.random.default_rng(seed).normal(0, 1.5, (3, len(nodes)))
    lowest = Interpolator(nodes, logs.T).lowest_mean(logs)
    sampled = dense_minimum(nodes, logs, 40)
    assert lowest <= sampled + 1e-9
    assert lowest == pytest.approx(sampled, rel=2e-3)


def test_the_lowest_mean_may_lie_between_nodes() -> None:
    """Two surfaces that fall in opposite directions: exp is convex."""
    x = CORNERS[:, 0]
    logs = np.array([x, 1 - x])
    between = Interpolator(CORNERS, logs.T)
    assert between.lowest_mean(logs) == pytest.approx(np.exp(0.5), abs=1e-9)
    assert np.exp(logs).mean(axis=0).min() > 1.8
    assert between.lowest_mean(logs[:1]) == 1.0
