"""Replay of recorded evaluations, interpolated within one subset seed, never across seeds."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.core.arrays import Array
from benchmarks.core.protocols import Task
from benchmarks.core.space import Config
from benchmarks.core.trial import Fidelities, Observation, Truth
from tasks.replay import table as tables
from tasks.replay.interpolation import Mesh, surfaces

QUANTITIES = ("loss", "cost", "test_loss")


class RecordedTask(Task):
    """Replay a table of evaluations.

    Within each subset seed, log loss and log cost are interpolated linearly in the config
    (Delaunay triangulation) and in the logarithm of the fidelity. Recorded evaluations are
    reproduced exactly, except that losses below ``loss_floor`` are raised to it.

    An evaluation draws one of the recorded subset seeds from its rng. The truth of a config is the
    mean over the subset seeds recorded at the target; the best known loss is the lowest truth of
    any config.
    """

    version = 1
    reproducible = True
    isolated = True

    def __init__(self, table: str, asked: Mapping[str, Any] | None = None) -> None:
        """Load a table.

        Args:
            table: name of a shipped table, or a path ending in ``.npz``.
            asked: options of the live task, by name, that must equal those of the recording; None
                and False are always accepted.

        Raises:
            tasks.replay.table.TableError: this version cannot read the file.
            ValueError: ``asked`` differs from the recording.
        """
        loaded = tables.read(tables.path_of(table))
        meta = loaded.meta
        tables.check_asked(meta["identity"], asked or {})
        self.space = loaded.space
        self.loss_floor = meta["loss_floor"]
        self.target_cost = meta["target_cost"]
        self.resolution, self.caption = meta.get("resolution"), meta.get("caption", "")
        self._identity = {"table": loaded.sha256, **meta["identity"]}
        self._load(loaded)
        self.fidelities = Fidelities(
            low=max(meta["fidelity_low"], self._shares[0]),
            full=meta["fidelity_full"],
            unit=meta["fidelity_unit"],
        )
        self.best_loss = self._lowest_truth()

    @property
    def identity(self) -> Mapping[str, Any]:
        return self._identity

    def evaluate(self, config: Config, fidelity: float, rng: np.random.Generator) -> Observation:
        self.space.check(config)
        self.fidelities.check(fidelity)
        seeds = self.subset_seeds(fidelity)
        return self.replay(config, fidelity, seeds[int(rng.integers(len(seeds)))])

    @property
    def recorded_fidelities(self) -> list[float]:
        """Return the recorded fidelities, in rising order."""
        return self._shares

    def subset_seeds(self, fidelity: float) -> list[int]:
        """Return the subset seeds recorded at the neighbours of a fidelity, in rising order."""
        above = bisect_left(self._shares, fidelity)
        below = bisect_right(self._shares, fidelity) - 1
        return self._seeds_spanning[max(below, 0), above]

    def replay(self, config: Config, fidelity: float, subset_seed: int) -> Observation:
        """Return the observation of ``evaluate`` for one of ``subset_seeds(fidelity)``."""
        nodes, weights = self._mesh.weights(self.space.encode(config))
        loss, cost, test_loss = (
            self._interpolate(subset_seed, quantity, nodes, weights, fidelity)
            for quantity in QUANTITIES
        )
        reported = None if math.isnan(test_loss) else test_loss
        return Observation(loss, cost, "ok", reported, {"subset_seed": subset_seed})

    def truth(self, config: Config) -> Truth:
        nodes, weights = self._mesh.weights(self.space.encode(config))
        loss, test_loss = (
            sum(self._interpolate(r, quantity, nodes, weights, 1.0) for r in self._at_target)
            / len(self._at_target)
            for quantity in ("loss", "test_loss")
        )
        return Truth(loss, None if math.isnan(test_loss) else test_loss)

    def _load(self, loaded: tables.Table) -> None:
        columns = loaded.columns
        keep = ~columns["held_out"] & np.isfinite(columns["loss"])
        if not keep.any():
            raise tables.TableError("the table holds no successful evaluation")
        encoded = np.array([self.space.encode(loaded.config(int(r))) for r in np.flatnonzero(keep)])
        nodes, node_of = np.unique(encoded, axis=0, return_inverse=True)
        node_of = node_of.ravel()  # some versions of numpy return a column vector
        if self.loss_floor <= 0 and (columns["loss"][keep] <= 0).any():
            raise tables.TableError(
                "losses of 0 or less need a loss_floor above 0, since logarithms are interpolated"
            )
        shares, seeds = columns["fidelity"][keep], columns["subset_seed"][keep]
        self._mesh = Mesh(nodes)
        self._values: dict[int, dict[str, Array]] = {}  # logarithms, (levels, nodes)
        self._exact: dict[
            int, dict[str, Array]
        ] = {}  # the values themselves, without rounding by exp and log
        self._levels: dict[int, list[float]] = {}
        floors = {"cost": 1e-6}  # losses are raised to loss_floor
        recorded = np.array(
            [
                np.maximum(columns[quantity][keep], floors.get(quantity, self.loss_floor))
                for quantity in QUANTITIES
            ]
        )
        for seed in sorted({int(r) for r in seeds}):
            rows_at = {
                float(s): np.flatnonzero((seeds == seed) & (shares == s))
                for s in np.unique(shares[seeds == seed])
            }
            fidelities, values = surfaces(
                self._mesh,
                {s: (node_of[rows], np.log(recorded[:, rows])) for s, rows in rows_at.items()},
            )
            exact = np.exp(values)
            for level, rows in enumerate(rows_at.values()):
                exact[:, level, node_of[rows]] = recorded[:, rows]
            self._values[seed] = dict(zip(QUANTITIES, values, strict=True))
            self._exact[seed] = dict(zip(QUANTITIES, exact, strict=True))
            self._levels[seed] = fidelities.tolist()
        self._shares = sorted({s for levels in self._levels.values() for s in levels})
        if not self._shares or self._shares[-1] != 1:
            raise tables.TableError("the table holds no evaluation at the target")
        numbers = range(len(self._shares))
        self._seeds_spanning = {
            (below, above): [
                r
                for r, levels in self._levels.items()
                if levels[0] <= self._shares[below] and levels[-1] >= self._shares[above]
            ]
            for below, above in [*zip(numbers, numbers, strict=True), *itertools.pairwise(numbers)]
        }
        for (below, above), spanning in self._seeds_spanning.items():
            if not spanning:
                low, high = self._shares[below], self._shares[above]
                raise tables.TableError(f"no subset seed is recorded at both {low} and {high}")
        self._at_target = self._seeds_spanning[numbers[-1], numbers[-1]]

    def _lowest_truth(self) -> float:
        """Return the minimum of ``truth`` over all configs."""
        at_nodes = np.mean([self._exact[r]["loss"][-1] for r in self._at_target], axis=0)
        lowest = float(at_nodes.min())
        between = self._mesh.lowest_mean(
            np.array([self._values[r]["loss"][-1] for r in self._at_target])
        )
        # a relative difference of 1e-9 is a rounding error; between nodes ``truth`` rounds to 1e-12
        return lowest if between > lowest * (1 - 1e-9) else math.floor(between * 1e12) / 1e12

    def _interpolate(
        self, seed: int, quantity: str, nodes: Any, weights: Array, fidelity: float
    ) -> float:
        shares, values = self._levels[seed], self._values[seed][quantity]
        upper = bisect_left(shares, fidelity)
        if shares[upper] == fidelity:
            if len(nodes) == 1:
                return float(self._exact[seed][quantity][upper, nodes[0]])
            log_value = float(weights @ values[upper, nodes])
        else:
            low, high = shares[upper - 1], shares[upper]
            t = math.log(fidelity / low) / math.log(high / low)
            log_value = (1 - t) * float(weights @ values[upper - 1, nodes])
            log_value += t * float(weights @ values[upper, nodes])
        return round(math.exp(log_value), 12)  # last digits differ between machines
