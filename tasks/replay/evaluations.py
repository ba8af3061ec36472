"""Replay of recorded evaluations, interpolated within one subset seed, never across seeds."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.core.arrays import Array
from benchmarks.core.space import Config
from benchmarks.core.trial import Fidelities, Observation, Truth
from tasks.replay import table as tables
from tasks.replay.interpolation import MOST_DIMENSIONS, Interpolator, surfaces
from tasks.replay.replay import Replay

QUANTITIES = ("loss", "cost", "test_loss")


NEEDED = ("identity", "space", "loss_floor", "target_cost", "fidelity_low", "fidelity_full")
"""what the meta of a table must hold, besides what has a default"""


class RecordedTask(Replay):
    """Replay a table of evaluations.

    Within each subset seed, log loss and log cost are interpolated linearly in the config
    (Delaunay triangulation) and in the logarithm of the fidelity. Recorded evaluations are
    reproduced exactly, except that losses below ``loss_floor`` are raised to it.

    An evaluation draws one of the recorded subset seeds from its rng. The truth of a config is the
    mean over the subset seeds recorded at the target; the best known loss is the lowest truth of
    any config.
    """

    version = 2

    def __init__(
        self,
        table: str,
        asked: Mapping[str, Any] | None = None,
        baseline_default: Config | None = None,
    ) -> None:
        """Load a table.

        Args:
            table: name of a shipped table, or a path ending in ``.npz``.
            asked: options of the live task, by name, that must equal those of the recording; None
                and False are always accepted.
            baseline_default: the untuned config that gains are measured against; None is that of
                the table, if any.

        Raises:
            tasks.replay.table.TableError: this version cannot read the file.
            ValueError: ``asked`` differs from the recording.
        """
        loaded = tables.read(tables.path_of(table))
        tables.require(loaded, NEEDED, table)
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
        facts = meta.get("facts", {})
        self.good_cost = facts.get("good_cost")
        self._set_baselines({"default": baseline_default}, facts.get("baselines", {}))

    @property
    def recorded_fidelities(self) -> list[float]:
        """Return the recorded fidelities, in rising order."""
        return self._shares

    def subset_seeds(self, fidelity: float) -> list[int]:
        """Return the subset seeds recorded at the neighbours of a fidelity, in rising order."""
        above = bisect_left(self._shares, fidelity)
        below = bisect_right(self._shares, fidelity) - 1
        return self._seeds_spanning[max(below, 0), above]

    def seeds(self, config: Config, fidelity: float) -> Sequence[int]:
        del config
        return self.subset_seeds(fidelity)

    def replay(self, config: Config, fidelity: float, seed: int) -> Observation:
        row = self._row(config)
        loss, cost, test_loss = (self._value(row, seed, q, fidelity) for q in QUANTITIES)
        reported = None if math.isnan(test_loss) else test_loss
        return Observation(loss, cost, "ok", reported, {"subset_seed": seed})

    def truth(self, config: Config) -> Truth:
        row = self._row(config)
        loss, test_loss, cost = (
            sum(self._value(row, r, quantity, 1.0) for r in self._at_target) / len(self._at_target)
            for quantity in ("loss", "test_loss", "cost")
        )
        return Truth(loss, None if math.isnan(test_loss) else test_loss, cost)

    def _load(self, loaded: tables.Table) -> None:
        columns = loaded.columns
        keep = ~columns["held_out"] & np.isfinite(columns["loss"])
        if not keep.any():
            raise tables.TableError("the table holds no successful evaluation")
        if self.space.width > MOST_DIMENSIONS:
            raise tables.TableError(
                f"a replay of evaluations has {MOST_DIMENSIONS} dimensions at most, "
                f"this space has {self.space.width}"
            )
        encoded = np.array([self.space.encode(loaded.config(int(r))) for r in np.flatnonzero(keep)])
        nodes, node_of = np.unique(encoded, axis=0, return_inverse=True)
        node_of = node_of.ravel()  # some versions of numpy return a column vector
        self._node_of = {tuple(u): node for node, u in enumerate(nodes.tolist())}
        if self.loss_floor <= 0 and (columns["loss"][keep] <= 0).any():
            raise tables.TableError(
                "losses of 0 or less need a loss_floor above 0, since logarithms are interpolated"
            )
        shares, seeds = columns["fidelity"][keep], columns["subset_seed"][keep]
        floors = {"cost": 1e-6}  # losses are raised to loss_floor
        recorded = np.array(
            [
                np.maximum(columns[quantity][keep], floors.get(quantity, self.loss_floor))
                for quantity in QUANTITIES
            ]
        )
        self._levels: dict[int, list[float]] = {}
        self._first: dict[tuple[int, str], int] = {}
        """number of the column of a seed's lowest level, for each quantity"""
        logs: list[Array] = []
        exact: list[Array] = []
        for seed in sorted({int(r) for r in seeds}):
            rows_at = {
                float(s): np.flatnonzero((seeds == seed) & (shares == s))
                for s in np.unique(shares[seeds == seed])
            }
            fidelities, values = surfaces(
                nodes,
                {s: (node_of[rows], np.log(recorded[:, rows])) for s, rows in rows_at.items()},
            )
            self._levels[seed] = fidelities.tolist()
            for quantity, surface in zip(QUANTITIES, values, strict=True):
                self._first[seed, quantity] = len(logs)
                logs.extend(surface)
            same = np.exp(values)
            for level, rows in enumerate(rows_at.values()):
                same[:, level, node_of[rows]] = recorded[:, rows]
            exact.extend(same.reshape(-1, len(nodes)))
        self._logs = np.array(logs).T  # (nodes, columns), as the interpolator wants them
        self._exact = np.array(exact).T  # the values themselves, without rounding by exp and log
        self._interpolator = Interpolator(nodes, self._logs)
        self._set_seeds_spanning()

    def _set_seeds_spanning(self) -> None:
        """List the seeds that are recorded around each level, and at the target."""
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
        columns = [self._first[r, "loss"] + len(self._levels[r]) - 1 for r in self._at_target]
        lowest = float(self._exact[:, columns].mean(axis=1).min())
        between = self._interpolator.lowest_mean(self._logs[:, columns].T)
        # a relative difference of 1e-9 is a rounding error; between nodes ``truth`` rounds to 1e-12
        return lowest if between > lowest * (1 - 1e-9) else math.floor(between * 1e12) / 1e12

    def _row(self, config: Config) -> tuple[Array, Array | None]:
        """Return the logarithms in all columns at a config, and the values if it is a node."""
        u = self.space.encode(config)
        node = self._node_of.get(tuple(u.tolist()))
        if node is None:
            return self._interpolator(u[None])[0], None
        return self._logs[node], self._exact[node]

    def _value(
        self, row: tuple[Array, Array | None], seed: int, quantity: str, fidelity: float
    ) -> float:
        (logs, exact), levels = row, self._levels[seed]
        upper = bisect_left(levels, fidelity)
        column = self._first[seed, quantity] + upper
        if levels[upper] == fidelity:
            if exact is not None:
                return float(exact[column])
            log_value = float(logs[column])
        else:
            low, high = levels[upper - 1], levels[upper]
            t = math.log(fidelity / low) / math.log(high / low)
            log_value = (1 - t) * float(logs[column - 1]) + t * float(logs[column])
        return round(math.exp(log_value), 12)  # last digits differ between machines
