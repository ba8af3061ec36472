"""Replay of recorded learning curves, with a fitted surrogate for unrecorded configs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.core.space import Config, check_choice
from benchmarks.core.trial import Fidelities, Observation, Truth
from tasks.replay import curve_surrogate as surrogates
from tasks.replay import table as tables
from tasks.replay.replay import Replay

CURVES = tables.Kind(
    "curves",
    1,
    {
        "config": "<f8",  # (rows, hyperparameters), as in tables of evaluations
        "training_seed": "<i2",
        "held_out": "|b1",  # recorded to check the surrogates, not used to fit them
        "epochs": "<i2",  # length of the curve; shorter if training diverged in the next epoch
        "loss": "<f8",  # (rows, epochs) validation loss after each epoch; NaN beyond the curve
        "test_loss": "<f8",  # (rows, epochs) test loss of the same networks
        "cost": "<f8",  # (rows, epochs + 1) cumulative; one entry more if training diverged
        "marked": "|b1",
        **surrogates.COLUMNS,
    },
)


class RecordedCurves(Replay):
    """Replay a table of learning curves.

    For a recorded config, an evaluation returns a value of one of its recorded curves; for any
    other config, the surrogate's prediction with the noise of a training seed, which is constant
    along a curve. The truth of a config is the mean over its recorded seeds, or the noiseless
    prediction, but at least the best known loss: the lowest noiseless prediction that a search
    found when the table was written.
    """

    version = 1

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
            surrogate: ``extra_trees`` or ``boosting``; None is the family with the smaller errors
                on held-out configs.
            values: epochs to offer as fidelities, the last of them a full training; None offers
                all.
            nominal: nominal cost of each of ``values``, in full trainings.
            resume_training: allow resuming a config, which charges only the added epochs.
            baseline: the untuned config that gains are measured against.
            asked: options of the live task to compare with the recording, as in
                ``tasks.replay.evaluations.RecordedTask``.

        Raises:
            tasks.replay.table.TableError: this version cannot read the file.
            ValueError: unknown surrogate, ``asked`` differs from the recording, or ``values`` do
                not end at its full training.
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
            raise ValueError(
                f"epochs {list(values)}: the last must be {full}, a full training in {table}"
            )
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

    def seeds(self, config: Config, fidelity: float) -> Sequence[int]:
        return sorted(self._recorded(config)) or range(self._seeds)

    def replay(self, config: Config, fidelity: float, seed: int) -> Observation:
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
        test_loss = None if math.isnan(test_loss) else float(test_loss)
        return Observation(float(loss), float(cost), "ok", test_loss, info)

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
        """Return the rows of a config's recorded curves, by training seed."""
        return self._rows.get(tuple(self.space.numbers(config)), {})
