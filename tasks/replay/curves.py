"""Replay of recorded learning curves: real trainings, and between them a fitted surrogate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.core.protocols import Task
from benchmarks.core.space import Config, check_choice
from benchmarks.core.trial import Fidelities, Observation, Truth
from tasks.replay import curve_surrogate as surrogates
from tasks.replay import table as tables

CURVES = tables.Kind(
    "curves",
    1,
    {
        "config": "<f8",  # (rows, hyperparameters), as in tables of evaluations
        "training_seed": "<i2",
        "held_out": "|b1",  # recorded to check the surrogates, never used by them
        "epochs": "<i2",  # that the curve has; fewer than all if training diverged after them
        "loss": "<f8",  # (rows, epochs) validation loss after each epoch; NaN after the last
        "test_loss": "<f8",  # of the same networks
        "cost": "<f8",  # since the start, one entry more if training diverged; as in evaluations
        "marked": "|b1",
        **surrogates.COLUMNS,
    },
)


class RecordedCurves(Task):
    """Replays a table of learning curves.

    A recorded config gives one of its recorded curves, exactly; any other what the surrogate
    predicts, with noise that is the same along a curve. The truth of a config is the mean over its
    recorded seeds, or the surrogate's prediction without noise, and never below the best known
    loss: the lowest noiseless prediction that a search found when the table was made.
    """

    version = 1
    isolated = True

    def __init__(
        self,
        table: str,
        surrogate: str | None = None,
        values: tuple[int, ...] | None = None,
        nominal: tuple[float, ...] | None = None,
        resume_training: bool = False,
        baseline: Config | None = None,
        asked: Mapping[str, Any] | None = None,
    ) -> None:
        """Load a table.

        Args:
            table: name of a shipped table, or a path ending in ``.npz``.
            surrogate: ``extra_trees`` or ``boosting``; None is the one nearer to held-out curves.
            values: epochs to offer as fidelities; None is all.
            nominal: what each of them is said to cost, in full trainings.
            resume_training: training a config on is charged the difference.
            baseline: the untuned config that a gain is measured against.
            asked: options of the live task that a replay can only check, as in
                ``tasks.replay.evaluations.RecordedTask``.

        Raises:
            tasks.replay.table.TableError: the file is not a table that this version can read.
            ValueError: ``asked`` differs from the recording, or ``values`` do not end at its full
                training.
        """
        loaded = tables.read(tables.path_of(table), CURVES)
        meta = loaded.meta
        tables.check_asked(meta["identity"], asked or {})
        family = meta["chosen"] if surrogate is None else surrogate
        check_choice("task.surrogate", family, surrogates.FAMILIES)
        self.space, self.baseline = loaded.space, baseline
        self.loss_floor, self.target_cost = meta["loss_floor"], meta["target_cost"][family]
        self.best_loss, self.resolution = meta["best_loss"][family], meta["resolution"][family]
        self.caption, self.sizes = meta["caption"], meta["sizes"]
        self._identity = {"table": loaded.sha256, **meta["identity"], "surrogate": family}
        full = meta["fidelity_full"]
        if values is not None and max(values) != full:
            raise ValueError(f"epochs {list(values)} are asked for, {table} has {full} of them")
        self.fidelities = Fidelities(
            values=tuple(epoch / full for epoch in values or range(1, full + 1)),
            full=full,
            unit=meta["fidelity_unit"],
            resumable=resume_training,
            nominal=nominal,
        )
        self._columns, self._seeds = loaded.columns, meta["training_seeds"]
        self._surrogate = surrogates.CurveSurrogate(self.space, meta, loaded.columns, family)
        self._rows: dict[tuple[float, ...], dict[int, int]] = {}
        for row in np.flatnonzero(~loaded.columns["held_out"]):
            numbers = tuple(loaded.columns["config"][row].tolist())
            self._rows.setdefault(numbers, {})[int(loaded.columns["training_seed"][row])] = int(row)

    @property
    def identity(self) -> Mapping[str, Any]:
        return self._identity

    def evaluate(self, config: Config, fidelity: float, rng: np.random.Generator) -> Observation:
        self.space.check(config)
        self.fidelities.check(fidelity)
        rows = self._recorded(config)
        seeds = sorted(rows) or range(self._seeds)
        return self.replay(config, fidelity, seeds[int(rng.integers(len(seeds)))])

    def replay(self, config: Config, fidelity: float, seed: int) -> Observation:
        """What ``evaluate`` gives for a training seed."""
        info, last = {"training_seed": seed}, self.fidelities.native(fidelity) - 1
        row = self._recorded(config).get(seed)
        if row is None:
            loss, test_loss, cost = (c[0, last] for c in self._surrogate.draw(config, seed))
        else:
            held = int(self._columns["epochs"][row])
            if last >= held:
                return Observation(
                    math.nan, float(self._columns["cost"][row, held]), "diverged", None, info
                )
            loss, test_loss, cost = (
                self._columns[name][row, last] for name in ("loss", "test_loss", "cost")
            )
        known = None if math.isnan(test_loss) else float(test_loss)
        return Observation(float(loss), float(cost), "ok", known, info)

    def truth(self, config: Config) -> Truth:
        rows = list(self._recorded(config).values())
        assert self.best_loss is not None
        if rows:
            ended = self._columns["epochs"][rows] == self.fidelities.full
            if not ended.all():
                return Truth()
            loss, test_loss = (
                float(self._columns[name][rows, -1].mean()) for name in ("loss", "test_loss")
            )
        else:
            curves = self._surrogate.mean(config)
            loss, test_loss = float(curves.loss[0, -1]), float(curves.test_loss[0, -1])
        return Truth(max(loss, self.best_loss), None if math.isnan(test_loss) else test_loss)

    def _recorded(self, config: Config) -> Mapping[int, int]:
        """Rows of a config's recorded curves, by training seed."""
        return self._rows.get(tuple(self.space.numbers(config)), {})
