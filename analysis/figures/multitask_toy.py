"""Draw what a multi-task model learns from a correlated cheap task.

Compare slide 19 of the SigOpt talk (GTC 2019, S9313).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.figures import style
from analysis.figures.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE = style.PALETTE[:2]
Z90 = 1.6449
"""half-width of a central 90 % interval of a normal distribution, in standard deviations"""


def models_several_tasks(method: str) -> bool:
    """Return True for a method whose model relates tasks or fidelities, which the figure explains.

    Args:
        method: name of the method; overridden options, as in ``mtbo,method.x=1``, are ignored.
    """
    name = method.partition(",")[0]
    kin = style.KIN.get(name, (name, ""))[0]
    return kin.startswith(("fabolas", "mtbo", "multitask"))


def draw_multitask(curves: pd.DataFrame, points: pd.DataFrame) -> Figure:
    """Draw the posterior of the target task without and with the cheap task, side by side.

    Both tables are as ``benchmarks.illustrations.multitask_toy`` writes them.

    Args:
        curves: one row per ``x`` in [0, 1], with the true losses ``target`` and ``cheap`` and the
            posteriors of the target, ``single_mean``, ``single_sd``, ``multi_mean``, ``multi_sd``.
        points: observations, with ``task`` (``target`` or ``cheap``), ``x``, ``loss``.

    Returns:
        A figure whose data are the rows of both tables; ``kind`` is ``curve`` or ``observation``.
    """
    style.use()
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(
        1, 2, figsize=(11, 4.8), sharex=True, sharey=True, layout="constrained"
    )
    for ax, name, tasks in (
        (panels[0], "single", ("target",)),
        (panels[1], "multi", ("target", "cheap")),
    ):
        _posterior(ax, curves, name)
        _observed(ax, points, tasks)
        if "cheap" in tasks:
            ax.plot(curves.x, curves.cheap, ":", color=ORANGE, label="cheap task, truth")
        ax.set(xlabel="hyperparameter, scaled to [0, 1]", xlim=(0, 1))
    panels[0].set(ylabel="loss", title="target alone")
    panels[1].set_title("target and cheap task")
    handles, labels = panels[1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize="small")
    single, multi = (
        ((curves[f"{name}_mean"] - curves.target) ** 2).mean() ** 0.5
        for name in ("single", "multi")
    )
    counts = points.task.value_counts()
    caption = (
        "An illustration with two made-up functions; nothing was trained. Left: the model of mtbo, "
        f"given {counts['target']} observations of the target. Right: the same model, also given "
        f"{counts['cheap']} observations of a cheap task, whose losses are raised and shifted. It "
        "learns how the two tasks are related, and its root mean square error for the target falls "
        f"from {single:.3f} to {multi:.3f}. Bands: 90 % intervals, averaged over samples of the "
        "model's hyperparameters."
    )
    data = pd.concat([curves.assign(kind="curve"), points.assign(kind="observation")])
    return Figure(figure, data, caption)


def _posterior(ax: Axes, curves: pd.DataFrame, name: str) -> None:
    mean, sd = curves[f"{name}_mean"], curves[f"{name}_sd"]
    band: dict[str, Any] = {"color": BLUE, "alpha": 0.2, "linewidth": 0}
    ax.fill_between(curves.x, mean - Z90 * sd, mean + Z90 * sd, label="90 % interval", **band)
    ax.plot(curves.x, mean, color=BLUE, lw=2, label="target, posterior mean")
    ax.plot(curves.x, curves.target, "--", color="black", lw=1.2, label="target, truth")


def _observed(ax: Axes, points: pd.DataFrame, tasks: tuple[str, ...]) -> None:
    for task, marker, colour in (("target", "o", BLUE), ("cheap", "^", ORANGE)):
        if task in tasks:
            observed = points[points.task == task]
            look: dict[str, Any] = {"color": colour, "markersize": 7, "markeredgecolor": "black"}
            label = f"{task}: {len(observed)} observations"
            ax.plot(observed.x, observed.loss, marker, label=label, **look)
