"""Draw the regret and the fidelities of one run against cost, as an image next to its trace."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from analysis.data.load import Array, Run, load_run
from analysis.figures import style
from analysis.figures.literal import literal

REGRET = "regret of the recommended config"


def plot_run(folder: Path) -> Path:
    """Draw the trace of a run and save it as ``regret.png`` in its folder.

    The upper panel shows the regret of the recommended config against evaluation cost, on log axes
    and at least half a validation example. If the task has no known best loss, it shows the lowest
    loss observed at the target fidelity or, without a trial there, at any fidelity. The lower
    panel shows the fidelity of each trial.

    Args:
        folder: folder of the run, with ``trace.jsonl`` and ``meta.json``.

    Returns:
        The path of the image.

    Raises:
        ValueError: if one of the files is not valid JSON.
    """
    style.use()
    import matplotlib.pyplot as plt

    run = load_run(folder)
    rows, meta, cost = run.rows, run.meta, run.cost
    task_facts, colour = meta["task_facts"], style.colour_of(meta["method"])
    values, label = _curve(run)
    figure, (upper, lower) = plt.subplots(
        2, 1, figsize=(7, 6), sharex=True, height_ratios=[2, 1], layout="constrained"
    )
    upper.step(cost, values, where="post", color=colour, linewidth=2)
    upper.plot(cost, values, "o", color=colour, markersize=3)
    upper.set(ylabel=label, xscale="log")
    if np.isfinite(values).any():
        upper.set_yscale("log")
    else:
        upper.text(0.5, 0.5, "no successful trial", transform=upper.transAxes, ha="center")
    title = f"{meta['method']} on {meta['task']}, seed {meta['seed']}"
    if task_facts.get("caption"):
        title += f"\n({task_facts['caption']})"
    upper.set_title(title)
    if task_facts.get("resolution") and label == REGRET:
        unresolved = f"below the replay's interpolation error ({task_facts['resolution']:.2g})"
        upper.axhspan(0, task_facts["resolution"], color="0.85", zorder=0, label=unresolved)
        upper.legend(loc="upper right", fontsize="small")
    done = [row["status"] == "ok" for row in rows]
    shares = [row["fidelity"] for row in rows]
    lower.scatter(
        cost,
        shares,
        s=18,
        color=[colour if ok else "none" for ok in done],
        edgecolor=[colour if ok else "black" for ok in done],
        marker="o",
    )
    lower.set(xlabel="evaluation cost so far (s)", yscale="log")
    lower.set_ylabel("fidelity")
    notes = [f"1 is {task_facts['fidelity_full']:,} {task_facts['fidelity_unit']}"]
    lower.set_ylim(0.7 * min(*shares, task_facts["fidelity_low"]), 1.6)
    if not all(done):
        notes.append("hollow: failed, timeout or diverged")
    lower.set_title("; ".join(notes), fontsize="small", loc="left")
    path = folder / "regret.png"
    literal(figure)
    figure.savefig(path)
    plt.close(figure)
    return path


def _curve(run: Run) -> tuple[Array, str]:
    """Return the values to draw, NaN while there is no incumbent, and their label."""
    task_facts, rows = run.meta["task_facts"], run.rows
    if task_facts["best_loss"] is not None and any(
        row["recommended_loss"] is not None for row in rows
    ):
        values, label = run.regret, REGRET
    else:
        trials, where = [row["best_at_target"] for row in rows], "at the target"
        if trials[-1] is None:
            trials = [row["best_seen"] for row in rows]
            where = "at any fidelity (none at the target)"
        losses = [np.nan if t is None else rows[run.row_index[t]]["loss"] for t in trials]
        values = np.array(losses, dtype=float)
        label = f"lowest loss seen\n{where}"
    values = np.where(np.isfinite(values), np.maximum(values, task_facts["loss_floor"]), np.nan)
    return np.maximum(values, 1e-12), label
