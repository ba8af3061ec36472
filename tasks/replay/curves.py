"""Replay of recorded learning curves, with a fitted surrogate for unrecorded configs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.core.arrays import Array
from benchmarks.core.space import Config, check_choice
from benchmarks.core.trial import Fidelities, Losses, Observation, Truth
from tasks.replay import curve_surrogate as surrogates
from tasks.replay import table as tables
from tasks.replay.best_known import best_known
from tasks.replay.replay import Replay

CURVES = tables.Kind(
    "curves",
    2,
    {
        "config": "<f8",  # (rows, hyperparameters), as in tables of evaluations
        "training_seed": "<i2",
        "held_out": "|b1",  # recorded to check the surrogates, not used to fit them
        "epochs": "<i2",  # length of the curve; shorter if training diverged after it
        "loss": "<f8",  # (rows, epochs) validation loss after each epoch; NaN beyond the curve
        "test_loss": "<f8",  # (rows, epochs) test loss of the same networks
        "cost": "<f8",  # (rows, epochs + 1) cumulative; one entry more if training diverged
        "marked": "|b1",
        **surrogates.COLUMNS,
    },
    older={1: surrogates.SMOOTH},
)
"""Table of learning curves: an epoch is one entry of a curve, whatever the unit of the task."""

NEEDED = (
    *("identity", "space", "loss_floor", "target_cost", "best_loss", "resolution", "chosen"),
    *("fidelity_full", "fidelity_unit", "training_seeds", "derived", "noise", "losses"),
)
"""what the meta of a table must hold, besides what has a default"""


class RecordedCurves(Replay):
    """Replay a table of learning curves.

    For a recorded config, an evaluation returns a value of one of its recorded curves; for any
    other config, the surrogate's prediction with the noise of a training seed, which is constant
    along a curve. The truth of a config is the mean over its recorded seeds, or the noiseless
    prediction. The best known loss is the lowest of those that a search found when the table was
    written, of the recorded truths, and of the truths in ``meta["study_truths"]``, if any.
    """

    version = 2

    def __init__(
        self,
        table: str,
        surrogate: str | None = None,
        values: tuple[int, ...] | None = None,
        nominal: tuple[float, ...] | None = None,
        resume_training: bool = False,
        baseline: Config | None = None,
        baseline_default: Config | None = None,
        asked: Mapping[str, Any] | None = None,
    ) -> None:
        """Load a table.

        Args:
            table: name of a shipped table, or a path ending in ``.npz``.
            surrogate: one of ``tasks.replay.curve_surrogate.FAMILIES``; None is the family with the
                smallest errors on held-out configs.
            values: fidelities to offer, in units of the task (such as epochs), the last of them a
                full training; None offers all that are recorded.
            nominal: nominal cost of each of ``values``, in full trainings.
            resume_training: allow resuming a config, which charges only the added units; not of a
                table whose fidelities are trainings of their own.
            baseline: the talk's untuned config, which gains are measured against.
            baseline_default: a second untuned config: the framework's defaults. If one of both is
                None, it is that of the table, if any.
            asked: options of the live task to compare with the recording, as in
                ``tasks.replay.evaluations.RecordedTask``.

        Raises:
            tasks.replay.table.TableError: this version cannot read the file.
            ValueError: unknown surrogate, or one that the table lacks; ``asked`` differs from the
                recording; ``values`` are not recorded, or do not end at a full training.
        """
        loaded = tables.read(tables.path_of(table), CURVES)
        tables.require(loaded, NEEDED, table)
        meta = loaded.meta
        tables.check_asked(meta["identity"], asked or {})
        family = meta["chosen"] if surrogate is None else surrogate
        check_choice("task.surrogate", family, surrogates.FAMILIES)
        held = surrogates.families_of(loaded.columns)
        if family not in held:
            raise ValueError(
                f"task.surrogate={family}: the table {table} was written before there was this "
                f"surrogate; it has {' and '.join(held)}"
            )
        self.space, self.baseline = loaded.space, baseline
        self.loss_floor, self.target_cost = meta["loss_floor"], meta["target_cost"][family]
        # also for tables of format 1, whose best_loss is of a search only
        self.best_loss, _ = best_known(
            loaded.columns,
            meta["best_loss"][family],
            meta.get("study_truths", {}).get(family, ()),
        )
        self.resolution = meta["resolution"][family]
        self.caption, self.sizes = meta["caption"], meta["sizes"]
        if resume_training and "shares" in meta:
            raise ValueError(
                f"task.resume_training=true: in {table} each fidelity is a training of its own"
            )
        self._identity = {"table": loaded.sha256, **meta["identity"], "surrogate": family}
        self._length = loaded.columns["loss"].shape[1]
        self.fidelities = Fidelities(
            values=_shares(values, self._length, meta, table),
            full=meta["fidelity_full"],
            unit=meta["fidelity_unit"],
            resumable=resume_training,
            nominal=nominal,
        )
        self._columns, self._seeds = loaded.columns, meta["training_seeds"]
        self._entry_shares = shares_of(meta, self._length)
        self._entries = np.array(self._entry_shares)
        self._surrogate = surrogates.CurveSurrogate(self.space, meta, loaded.columns, family)
        self._rows: dict[tuple[float, ...], dict[int, int]] = {}
        for row in np.flatnonzero(~loaded.columns["held_out"]):
            numbers = tuple(loaded.columns["config"][row].tolist())
            self._rows.setdefault(numbers, {})[int(loaded.columns["training_seed"][row])] = int(row)
        facts = meta.get("facts", {})
        self.good_cost = facts.get("good_cost", {}).get(family)
        known = facts.get("baselines", {}).get(family, {})
        self._set_baselines({"talk": baseline, "default": baseline_default}, known)

    def seeds(self, config: Config, fidelity: float) -> Sequence[int]:
        return sorted(self._recorded(config)) or range(self._seeds)

    def replay(self, config: Config, fidelity: float, seed: int) -> Observation:
        info, last = {"training_seed": seed}, int(abs(self._entries - fidelity).argmin())
        row = self._recorded(config).get(seed)
        if row is None:
            curves = self._surrogate.draw(config, seed)
            losses, test_losses, costs = (values[0] for values in curves)
        else:
            losses, test_losses, costs = (
                self._columns[name][row] for name in ("loss", "test_loss", "cost")
            )
            held = int(self._columns["epochs"][row])
            if last >= held:
                paid = self._paid(losses, held)
                return Observation(math.nan, float(costs[held]), "diverged", None, info, paid)
        loss, test_loss, cost = float(losses[last]), float(test_losses[last]), float(costs[last])
        reported = None if math.isnan(test_loss) else test_loss
        return Observation(loss, cost, "ok", reported, info, self._paid(losses, last))

    def _paid(self, losses: Array, count: int) -> Losses:
        """Return the first ``count`` losses of a curve with their fidelities.

        Empty if trainings cannot be resumed: each fidelity is then evaluated on its own.
        """
        if not self.fidelities.resumable:
            return ()
        return tuple(zip(self._entry_shares[:count], losses[:count].tolist(), strict=True))

    def truth(self, config: Config) -> Truth:
        rows = list(self._recorded(config).values())
        if rows:
            ended = self._columns["epochs"][rows] == self._length
            if not ended.all():
                return Truth()
            loss, test_loss, cost = (
                float(self._columns[name][rows, -1].mean())
                for name in ("loss", "test_loss", "cost")
            )
        else:
            curves = self._surrogate.mean(config)
            loss, test_loss, cost = (
                float(values[0, -1]) for values in (curves.loss, curves.test_loss, curves.cost)
            )
        return Truth(loss, None if math.isnan(test_loss) else test_loss, cost)

    def _recorded(self, config: Config) -> Mapping[int, int]:
        """Return the rows of a config's recorded curves, by training seed."""
        return self._rows.get(tuple(self.space.numbers(config)), {})


def shares_of(meta: Mapping[str, Any], length: int) -> tuple[float, ...]:
    """Return the fidelity of each entry of a curve, as a share of a full training.

    Args:
        meta: metadata of the table; without ``shares`` the entries are at equal distances.
        length: number of entries.
    """
    equal = tuple(number / length for number in range(1, length + 1))
    return tuple(meta.get("shares", equal))


def _shares(
    values: tuple[int, ...] | None, length: int, meta: Mapping[str, Any], table: str
) -> tuple[float, ...]:
    """Return the fidelities to offer, as shares of a full training.

    Args:
        values: as in ``RecordedCurves``.
        length: number of entries of a whole curve, at equal distances.
        meta: metadata of the table.
        table: its name.
    """
    full, unit = meta["fidelity_full"], meta["fidelity_unit"]
    recorded = shares_of(meta, length)
    if values is None:
        return recorded
    if max(values) != full:
        raise ValueError(
            f"{unit} {list(values)}: the last must be {full}, a full training in {table}"
        )
    asked = tuple(value / full for value in values)
    if not all(any(abs(share - held) < 1e-9 for held in recorded) for share in asked):
        units = [f"{share * full:g}" for share in recorded]
        held = ", ".join(units) if "shares" in meta else f"every {units[0]}"
        raise ValueError(f"{unit} {list(values)}: {table} holds losses after {held} only")
    return asked
