"""The picture beside a trace: what one run found, and what it bought, against cost."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from analysis import style


def plot_run(folder: Path) -> Path:
    """Draw ``regret.png`` from a run's trace.

    The upper panel shows the regret of the recommended config against evaluation cost, on log
    axes, floored at half a validation example; where the task knows no truth, the lowest loss
    seen at the target (or, if there was no such trial, at any fidelity) instead. The lower panel
    shows every evaluation's fidelity.

    Args:
        folder: holds ``trace.jsonl`` and ``meta.json``.

    Returns:
        The path of the PNG.
    """
    style.use()
    import matplotlib.pyplot as plt

    rows = [json.loads(line) for line in (folder / "trace.jsonl").read_text().splitlines()]
    meta = json.loads((folder / "meta.json").read_text())
    facts, colour = meta["task_facts"], style.colour_of(meta["method"])
    cost = [row["cumulative_cost"] for row in rows]
    values, label = _curve(rows, facts)
    figure, (upper, lower) = plt.subplots(
        2, 1, figsize=(7, 6), sharex=True, height_ratios=[2, 1], layout="constrained"
    )
    upper.step(cost, values, where="post", color=colour, linewidth=2)
    upper.plot(cost, values, "o", color=colour, markersize=3)
    upper.set(ylabel=label, xscale="log")
    if not all(math.isnan(value) for value in values):
        upper.set_yscale("log")
    else:
        upper.text(0.5, 0.5, "no successful trial", transform=upper.transAxes, ha="center")
    title = f"{meta['method']} on {meta['task']}, seed {meta['seed']}"
    if facts.get("caption"):
        title += f"\n({facts['caption']})"
    upper.set_title(title)
    if facts.get("resolution") and label.startswith("regret"):
        blurred = f"below the replay's interpolation error ({facts['resolution']:.2g})"
        upper.axhspan(0, facts["resolution"], color="0.85", zorder=0, label=blurred)
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
    notes = [f"1 is {facts['fidelity_full']:,} {facts['fidelity_unit']}"]
    lower.set_ylim(0.7 * min(*shares, facts["fidelity_low"]), 1.6)
    if not all(done):
        notes.append("hollow: failed, timeout or diverged")
    lower.set_title("; ".join(notes), fontsize="small", loc="left")
    path = folder / "regret.png"
    figure.savefig(path)
    plt.close(figure)
    return path


def _curve(rows: Sequence[dict[str, Any]], facts: dict[str, Any]) -> tuple[list[float], str]:
    """Values to draw (NaN where there is no incumbent yet) and their label."""
    floor, best = facts["loss_floor"], facts["best_loss"]
    if best is not None and any(row["recommended_loss"] is not None for row in rows):
        losses = [row["recommended_loss"] for row in rows]
        values = [math.nan if loss is None else max(loss - best, floor, 1e-12) for loss in losses]
        return values, "regret of the recommended config"
    rule, where = "best_at_target", "at the target"
    if rows[-1]["best_at_target"] is None:
        rule, where = "best_seen", "at any fidelity (none at the target)"
    trials = [row[rule] for row in rows]
    seen = [math.nan if t is None else max(rows[t]["loss"], floor, 1e-12) for t in trials]
    return seen, f"lowest loss seen\n{where}"
