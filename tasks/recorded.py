"""Replay of a recorded task: real trainings, interpolated within one subset seed, never across."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.core.protocols import Task
from benchmarks.core.space import Config, Float, Space
from benchmarks.core.trial import Fidelities, Observation, Truth
from tasks import table as tables
from tasks.interpolation import Array, Mesh, surfaces

QUANTITIES = ("loss", "cost", "test_loss")


class RecordedTask(Task):
    """Replays a table: log loss and log cost are piecewise linear in the config (Delaunay
    triangles) and in log2 of the fidelity, within one subset seed.

    An evaluation draws one of the recorded subset seeds from its rng. The truth of a config is the
    mean over the subset seeds recorded at the target; the best known loss is the lowest truth of a
    recorded config (a piecewise-linear surface has its minimum at a node).
    """

    version = 1

    def __init__(self, table: str, asked: Mapping[str, Any] | None = None) -> None:
        """Load a table.

        Args:
            table: name of a shipped table, or a path ending in ``.npz``.
            asked: options of the live task that a replay can only check: ``{name: value}`` must
                equal what the table was recorded with; None and False are always fine.

        Raises:
            tasks.table.TableError: the file is not a table that this version can read.
            ValueError: ``asked`` differs from the recording.
        """
        loaded = tables.read(tables.path_of(table))
        meta = loaded.meta
        for name, value in (asked or {}).items():
            recorded = meta["identity"].get(name)
            if value not in (None, False, recorded):
                held = f" ({name}={recorded})" if recorded is not None else ""
                raise ValueError(
                    f"task.{name}={value}: no such trainings are recorded{held}; "
                    "set task.source=live"
                )
        self.space = Space({n: Float(*bounds) for n, bounds in meta["bounds"].items()})
        self.fidelities = Fidelities(
            low=meta["fidelity_low"], full=meta["fidelity_full"], unit=meta["fidelity_unit"]
        )
        self.loss_floor = meta["loss_floor"]
        self.target_cost = meta["target_cost"]
        self._identity = {"table": loaded.sha256, **meta["identity"]}
        self._load(loaded)
        self.best_loss = min(
            float(np.mean([np.exp(self._values[r]["loss"][-1, node]) for r in self._at_target]))
            for node in self._target_nodes
        )

    @property
    def identity(self) -> Mapping[str, Any]:
        return self._identity

    def evaluate(self, config: Config, fidelity: float, rng: np.random.Generator) -> Observation:
        self.space.check(config)
        self.fidelities.check(fidelity)
        # a subset seed must be recorded on both sides of the fidelity
        level = bisect_right(self._shares, fidelity * (1 - 1e-12))
        seeds = self._seeds_up_to[min(level, len(self._shares) - 1)]
        seed = seeds[int(rng.integers(len(seeds)))]
        nodes, weights = self._mesh.weights(self.space.encode(config))
        loss, cost, test_loss = (
            self._interpolate(seed, quantity, nodes, weights, fidelity) for quantity in QUANTITIES
        )
        return Observation(loss, cost, "ok", test_loss, {"subset_seed": seed})

    def truth(self, config: Config) -> Truth:
        nodes, weights = self._mesh.weights(self.space.encode(config))
        loss, test_loss = (
            round(
                sum(self._interpolate(r, quantity, nodes, weights, 1.0) for r in self._at_target)
                / len(self._at_target),
                12,
            )
            for quantity in ("loss", "test_loss")
        )
        return Truth(loss, test_loss)

    def _load(self, loaded: tables.Table) -> None:
        columns = loaded.columns
        keep = ~columns["held_out"] & np.isfinite(columns["loss"])
        encoded = columns["config"][keep]
        lows, highs = np.array(list(loaded.meta["bounds"].values())).T
        nodes, node_of = np.unique((encoded - lows) / (highs - lows), axis=0, return_inverse=True)
        shares, seeds = columns["fidelity"][keep], columns["subset_seed"][keep]
        self._mesh = Mesh(nodes)
        self._values: dict[int, dict[str, Array]] = {}
        self._levels: dict[int, list[float]] = {}
        for seed in sorted({int(r) for r in seeds}):
            self._values[seed] = {}
            for quantity in QUANTITIES:
                floor = 1e-6 if quantity == "cost" else self.loss_floor
                recorded = np.log(np.maximum(columns[quantity][keep], floor))
                levels = {
                    float(s): (node_of[rows].ravel(), recorded[rows])
                    for s in np.unique(shares[seeds == seed])
                    if (rows := np.flatnonzero((seeds == seed) & (shares == s))).size
                }
                found, self._values[seed][quantity] = surfaces(self._mesh, levels)
                self._levels[seed] = found.tolist()
        self._shares = sorted({s for levels in self._levels.values() for s in levels})
        if self._shares[-1] != 1:
            raise tables.TableError("the table holds no evaluation at the target")
        self._seeds_up_to = [
            [r for r, levels in self._levels.items() if levels[-1] >= s] for s in self._shares
        ]
        self._at_target = self._seeds_up_to[-1]
        at_target = (shares == 1) & np.isin(seeds, self._at_target)
        self._target_nodes = np.unique(node_of[at_target])

    def _interpolate(
        self, seed: int, quantity: str, nodes: Any, weights: Array, fidelity: float
    ) -> float:
        shares, values = self._levels[seed], self._values[seed][quantity]
        upper = min(max(bisect_right(shares, fidelity), 1), len(shares) - 1)
        if len(shares) == 1:
            return round(math.exp(float(weights @ values[0, nodes])), 12)
        low, high = shares[upper - 1], shares[upper]
        t = min(max(math.log(fidelity / low) / math.log(high / low), 0.0), 1.0)
        log_value = (1 - t) * (weights @ values[upper - 1, nodes])
        log_value += t * (weights @ values[upper, nodes])
        # twelve digits: a recorded 0.0143 comes back as 0.0143, not as exp(log(0.0143))
        return round(math.exp(float(log_value)), 12)
