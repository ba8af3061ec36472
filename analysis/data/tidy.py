"""Collect all trials of a study in one tidy table, the input of all figures and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.data.budgets import units
from analysis.data.delivery import delivery
from analysis.data.failures import reason_of
from analysis.data.incumbents import RULES, Basis, bases, incumbents
from analysis.data.load import Array, Run

__all__ = ["RULES", "tidy", "with_running"]


def tidy(runs: Sequence[Run]) -> pd.DataFrame:
    """Return a table with one row per trial, sorted by task, method, seed and end of the trial.

    Runs without trials have no rows; without any trial the table is empty and has no columns.

    Columns of a trial:
        ``task``, ``method`` (with its overridden options), ``seed``, ``trial`` (its number),
        ``status``, ``reason`` (why it was not ok; ``none`` if it was);
        ``fidelity`` (share of the full fidelity, in (0, 1]), ``native`` (fidelity in the unit of
        the task), ``loss``, ``test_loss`` (as observed; NaN if the trial failed or the value was
        not measured);
        ``nominal`` (nominal cost, in full trainings; NaN where the task has none);
        ``cost``, ``overhead`` (of the trial, seconds), ``total_cost``, ``total_overhead``
        (cumulative, seconds; with several workers ``total_cost`` includes the cost incurred so far
        by the trials that are still running);
        for each rule in ``RULES``, ``regret_<rule>`` (at least ``loss_floor``; infinite while the
        rule yields no config; NaN where the loss is not known) and ``test_<rule>`` (test loss of
        that config; NaN if there is none), see ``analysis.data.incumbents``;
        ``delivery`` (cost of the target training that the recommended config still lacks, seconds;
        NaN if not known), see ``analysis.data.delivery``;
        ``config.<name>`` for each hyperparameter of the task;
        ``worker`` (its number), ``start``, ``end`` (seconds on the clock of the run).

    Columns that are constant within a run:
        ``budget``, ``target_cost`` (cost of a full training, see
        ``analysis.data.budgets.units``) and ``good_cost`` (the same of a good config), all in
        seconds, ``loss_floor`` and ``resolution`` (interpolation error of a replay), the last four
        NaN if not known;
        ``stopped_by``;
        ``load`` (one-minute load average of the machine at the end of the run; NaN if not known);
        ``losses`` and ``test_losses`` (``true``, or ``observed`` where no true one is known);
        ``best`` (``task``, or ``study`` where the lowest loss of the study is the zero of regret);
        ``deliveries`` (``recorded``, or ``estimated`` where ``delivery`` is an extrapolation);
        ``replays`` (SHA-256 of the replayed table) and ``surrogate`` (the model that interpolates
        between recorded configs), ``none`` if the task replays no table;
        ``workers`` (number of parallel workers);
        ``log_scale`` (comma-separated names of the hyperparameters that are sampled on a log
        scale, or ``none``, or ``unknown``).
    """
    unit_of = units(runs)
    basis_of = bases(runs)
    frames = [_rows(run, unit_of.get(run.task), basis_of[run.task]) for run in runs if run.rows]
    if not frames:
        return pd.DataFrame()
    table = pd.concat(frames, ignore_index=True)
    # the sort is stable, so that trials of a run stay in the order in which they ended
    return table.sort_values(["task", "method", "seed"], kind="stable", ignore_index=True)


def _rows(run: Run, unit: float | None, basis: Basis) -> pd.DataFrame:
    task_facts = run.meta["task_facts"]
    rows: Sequence[Mapping[str, Any]] = run.rows  # columns are read by name

    def column(name: str) -> np.ndarray:
        return np.array([row[name] for row in rows], dtype=float)  # None becomes NaN

    overhead = column("suggest_overhead") + column("recommend_overhead")
    columns: dict[str, object] = {
        "task": run.task,
        "method": run.method,
        "seed": run.meta["seed"],
        "trial": [row["trial"] for row in rows],
        "status": [row["status"] for row in rows],
        "reason": [reason_of(row) for row in run.rows],
        **{name: column(name) for name in ("fidelity", "native", "loss", "test_loss", "cost")},
        "nominal": np.array([row.get("nominal") for row in rows], dtype=float),
        "overhead": overhead,
        "total_cost": run.cost
        if run.workers == 1
        else with_running(column("start"), column("end"), column("cost")),
        "total_overhead": overhead.cumsum(),
    }
    for rule in RULES:
        found = incumbents(run, rule, basis)
        columns[f"regret_{rule}"] = found.regret(basis)
        columns[f"test_{rule}"] = found.test
    delivered = delivery(run)
    columns["delivery"] = delivered.cost
    columns["deliveries"] = "estimated" if delivered.estimated else "recorded"
    for name in rows[0]["config"]:
        columns[f"config.{name}"] = [row["config"][name] for row in rows]
    for name in ("worker", "start", "end"):
        columns[name] = np.array([row.get(name) for row in rows], dtype=float)
    columns["workers"] = run.workers
    key = run.meta.get("key", {})
    for name, part in (("replays", "table"), ("surrogate", "surrogate")):
        columns[name] = str(key.get(f"identity.{part}") or "none")
    columns["log_scale"] = _log_scale(key)
    constants = {
        "target_cost": unit,
        "good_cost": task_facts.get("good_cost"),
        "loss_floor": basis.floor,
        "resolution": task_facts.get("resolution"),
    }
    columns |= {name: np.nan if value is None else value for name, value in constants.items()}
    columns["losses"] = "observed" if basis.observed else "true"
    columns["test_losses"] = "observed" if basis.observed_test else "true"
    columns["best"] = "study" if basis.best_of_study else "task"
    columns |= {"budget": run.budget, "stopped_by": run.meta.get("stopped_by")}
    columns["load"] = run.meta.get("load", np.nan)
    return pd.DataFrame(columns)


def with_running(start: Array, end: Array, cost: Array) -> Array:
    """Return the total cost at the end of each trial, including that of running trials so far.

    Args:
        start: seconds on the clock of the run, shape ``(trials,)``.
        end: the same, rising.
        cost: seconds.
    """
    duration = np.maximum(end - start, 1e-300)
    now = np.maximum.accumulate(end)[:, None]
    return np.asarray(np.clip((now - start) / duration, 0, 1) @ cost, dtype=float)


def _log_scale(key: Mapping[str, object]) -> str:
    """Return the column ``log_scale`` of ``tidy``, given the key of a run."""
    space = {name: value for name, value in key.items() if name.startswith("task.space.")}
    if not space:
        return "unknown"
    names = [
        name.split(".")[2]
        for name, value in space.items()
        if (name.endswith(".log") and value) or value == "power_of_two"
    ]
    return ",".join(names) or "none"
