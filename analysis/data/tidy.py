"""All trials of a study as one tidy table: what every figure is drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from analysis.data.load import Array, Run

RULES = ("recommended", "best_at_target", "best_seen")
"""which config a method is judged by: the one that it would deploy, that with the lowest loss seen
at the target, that with the lowest loss seen at any fidelity"""


def tidy(runs: Sequence[Run]) -> pd.DataFrame:
    """One row a trial of every run that has any, in order of task, method, seed and end.

    Columns:
        ``task``, ``method`` (with what was overridden), ``seed``, ``trial``, ``status``;
        ``fidelity`` (share), ``native`` (in the task's units), ``loss``, ``test_loss`` (as seen in
        the trial; NaN where it failed or is not measured);
        ``cost``, ``overhead`` (seconds of this trial), ``total_cost``, ``total_overhead`` (so far;
        of several workers with what trials running at that time had cost by then);
        for each rule of ``RULES``: ``regret_<rule>`` (NaN where no truth is known, infinite while
        the rule names no config, else floored at half a validation example) and
        ``test_<rule>`` (true test loss of that config; NaN where there is none);
        ``config.<name>``, one for each hyperparameter of the task.

    Constants of a run, repeated in its rows: ``budget`` and ``target_cost`` (seconds; NaN if not
    known), ``loss_floor``, ``resolution`` (NaN if not known), ``stopped_by``; of a replay,
    ``replays`` (sha256 of its table) and ``surrogate`` (between recorded configs), or ``none``.

    ``worker`` (its number), ``start`` and ``end`` (of the trial, seconds on the run's own clock);
    of a run, ``workers`` (how many trials ran at once) and ``log_scale`` (hyperparameters that its
    space has on a log scale, between commas; ``none``, or ``unknown``).
    """
    frames = [_rows(run) for run in runs if run.rows]
    if not frames:
        return pd.DataFrame()
    table = pd.concat(frames, ignore_index=True)
    # within a run the trials stay in the order in which they ended
    return table.sort_values(["task", "method", "seed"], kind="stable", ignore_index=True)


def _rows(run: Run) -> pd.DataFrame:
    rows, facts = run.rows, run.meta["task_facts"]

    def column(name: str) -> np.ndarray:
        return np.array([row[name] for row in rows], dtype=float)  # None becomes NaN

    overhead = column("suggest_overhead") + column("recommend_overhead")
    columns: dict[str, object] = {
        "task": run.task,
        "method": run.method,
        "seed": run.meta["seed"],
        "trial": [row["trial"] for row in rows],
        "status": [row["status"] for row in rows],
        **{name: column(name) for name in ("fidelity", "native", "loss", "test_loss", "cost")},
        "overhead": overhead,
        "total_cost": column("cumulative_cost")
        if run.workers == 1
        else _with_running(column("start"), column("end"), column("cost")),
        "total_overhead": overhead.cumsum(),
    }
    true_loss, true_test = column("true_loss"), column("true_test_loss")
    for rule in RULES:
        if rule == "recommended":
            losses, tests = column("recommended_loss"), column("recommended_test_loss")
            none = np.array([row["recommended"] is None for row in rows])
        else:
            none = np.array([row[rule] is None for row in rows])
            place = np.array([run.place.get(row[rule], 0) for row in rows])
            losses = np.where(none, np.nan, true_loss[place])
            tests = np.where(none, np.nan, true_test[place])
        best = facts["best_loss"]
        regret = np.maximum(losses - (np.nan if best is None else best), facts["loss_floor"])
        columns[f"regret_{rule}"] = np.where(none, np.nan if best is None else np.inf, regret)
        columns[f"test_{rule}"] = np.where(none, np.nan, tests)
    for name in rows[0]["config"]:
        columns[f"config.{name}"] = [row["config"][name] for row in rows]
    for name in ("worker", "start", "end"):
        columns[name] = np.array([row.get(name) for row in rows], dtype=float)
    columns["workers"] = run.workers
    key = run.meta.get("key", {})
    for name, part in (("replays", "table"), ("surrogate", "surrogate")):
        columns[name] = str(key.get(f"identity.{part}") or "none")
    columns["log_scale"] = _log_scale(key)
    known = {name: facts.get(name) for name in ("target_cost", "loss_floor", "resolution")}
    columns |= {name: np.nan if value is None else value for name, value in known.items()}
    columns |= {"budget": run.budget, "stopped_by": run.meta.get("stopped_by")}
    return pd.DataFrame(columns)


def _with_running(start: Array, end: Array, cost: Array) -> Array:
    """Cost at the end of each trial, of ended trials and of the part of others that had run."""
    lasted = np.maximum(end - start, 1e-300)
    now = np.maximum.accumulate(end)[:, None]
    return np.asarray(np.clip((now - start) / lasted, 0, 1) @ cost, dtype=float)


def _log_scale(key: Mapping[str, object]) -> str:
    space = {name: value for name, value in key.items() if name.startswith("task.space.")}
    if not space:
        return "unknown"
    names = [
        name.split(".")[2]
        for name, value in space.items()
        if (name.endswith(".log") and value) or value == "power_of_two"
    ]
    return ",".join(names) or "none"
