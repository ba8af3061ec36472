"""Draw the importance of hyperparameters at each fidelity, by functional ANOVA (fANOVA)."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.data.load import Array
from analysis.figures import style
from analysis.figures.captions import seeds_of
from analysis.figures.figure import Figure
from analysis.figures.scales import scale_for

FEWEST = 20  # trials that a bin needs to be drawn
LARGEST = 300  # trials in a resample, at most: the time of a fit grows superlinearly
RESAMPLES = 8  # bootstrap resamples
TREES = 16  # trees in the forest of each resample
REST = "interactions"


def draw_importance(table: pd.DataFrame, task: str) -> Figure:
    """Draw the share of the variance of log loss that each hyperparameter explains, by fidelity.

    The shares are computed by fANOVA (Hutter et al. 2014,
    https://proceedings.mlr.press/v32/hutter14.html), with ``FanovaImportanceEvaluator`` of optuna:
    it fits a random forest to the trials and splits the variance of its prediction over the box of
    evaluated values into one share per hyperparameter and a rest, the interactions.
    Hyperparameters on a log scale (see ``analysis.figures.scales.scale_for``) are log-transformed
    first, which optuna does not do. The trials of all methods and seeds are pooled, without failed
    ones; losses below half a validation example are raised to it before taking logarithms.

    optuna does not expose the spread over trees, so the analysis is repeated ``RESAMPLES`` times,
    each time with another forest and on trials drawn with replacement, at most ``LARGEST`` of
    them. Bars are means and error bars are standard deviations over the repetitions. The latter
    estimate the standard error (an upper bound if fewer trials are drawn than there are). They
    ignore that trials of one run depend on each other and that methods do not sample uniformly.

    There are up to three bins of fidelity. ``target`` is fidelity 1; the other trials are split at
    the geometric mean of 1 and the lowest fidelity of the task in the table. Bins with fewer than
    ``FEWEST`` trials are left out.

    Args:
        table: tidy table, see ``analysis.data.tidy.tidy``.
        task: name of the task.

    Returns:
        A figure with the data columns ``bin``, ``hyperparameter`` (or ``interactions``),
        ``importance`` (share of variance, in [0, 1]), ``error`` (its standard error) and
        ``trials`` (number of trials in the bin).

    Raises:
        ValueError: if no trial on the task has succeeded, or if optuna is not installed.
    """
    if importlib.util.find_spec("optuna") is None:
        raise ValueError("importance needs optuna: pip install -e '.[report]'")
    rows = table[(table["task"] == task) & (table["status"] == "ok") & table["loss"].notna()]
    if rows.empty:
        raise ValueError(f"no trial on {task} has succeeded")
    style.use()
    import matplotlib.pyplot as plt
    import seaborn as sns

    bins = _bins(rows)
    names = [c for c in rows if c.startswith("config.") and rows[c].notna().any()]
    used = {name: trials for name, trials in bins.items() if len(trials) >= FEWEST}
    parts = [_analyse(trials, names, name) for name, trials in used.items()]
    data = pd.concat([pd.DataFrame(), *parts])
    figure, ax = plt.subplots(
        figsize=(7.6, 1.8 + 0.55 * (len(names) + 1)), layout="constrained"
    )  # fmt: skip
    height = 0.8 / max(len(used), 1)
    shades = dict(zip(bins, sns.color_palette("cividis", len(bins)), strict=True))
    order = _order(data, names)
    for number, name in enumerate(used):
        bars = data[data["bin"] == name].set_index("hyperparameter").loc[order]
        ax.barh(
            np.arange(len(order)) + (len(used) / 2 - number - 0.5) * height, bars["importance"],
            height, xerr=bars["error"], color=shades[name],
            label=f"{name}: {len(used[name])} trials",
            error_kw={"elinewidth": 1.2, "ecolor": "#d55e00", "capsize": 2},
        )  # fmt: skip
    ax.set_yticks(range(len(order)), [name.replace("_", " ") for name in order])
    ax.set(xlabel="share of the variance of log loss", title=f"importance on {task}")
    ax.set_xlim(left=0)
    ax.grid(visible=False, axis="y")
    if used:
        figure.legend(loc="outside lower center", ncols=1, fontsize="small", title="fidelity")
    caption = (
        f"Share of the variance of log loss on {task} that each hyperparameter explains alone, and "
        "that they explain only together (interactions), by fidelity (fANOVA). Error bars: "
        f"standard deviation over {RESAMPLES} resamples of at most {LARGEST} trials, an upper "
        "bound of the standard error where there are more trials. The trials of all methods and "
        f"seeds are pooled ({seeds_of(rows)} per method)."
    )
    left_out = [f"{name}: {len(trials)}" for name, trials in bins.items() if name not in used]
    if left_out:
        caption += f" Left out, with fewer than {FEWEST} trials: {', '.join(left_out)}."
    return Figure(figure, data.reset_index(drop=True), caption)


def _bins(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the trials of each bin of fidelity, by the name of the bin, lowest first."""
    share = rows["fidelity"]
    target = share > 1 - 1e-9
    middle = float(np.sqrt(share.min()))
    if middle > 1 - 1e-9:  # all trials are at the target fidelity
        return {"target (1)": rows}
    return {
        f"low (below {middle:.2g})": rows[share < middle],
        f"middle ({middle:.2g} to below 1)": rows[(share >= middle) & ~target],
        "target (1)": rows[target],
    }


def _analyse(rows: pd.DataFrame, names: list[str], label: str) -> pd.DataFrame:
    """Compute mean and standard error of the shares in one bin; all 0 if all losses are equal."""
    columns, kinds = _columns(rows, names)
    losses = np.log(np.maximum(rows["loss"], np.maximum(rows["loss_floor"], 1e-12))).to_numpy()
    rng = np.random.default_rng(0)  # fixed seed: the same table gives the same bars
    draws = rng.integers(len(rows), size=(RESAMPLES, min(len(rows), LARGEST))).tolist()
    shares = np.array([
        _shares(columns, kinds, losses, indices, seed) for seed, indices in enumerate(draws)
    ])  # fmt: skip
    return pd.DataFrame({
        "bin": label,
        "hyperparameter": [*(name.removeprefix("config.") for name in names), REST],
        "importance": shares.mean(axis=0),
        "error": shares.std(axis=0, ddof=1),
        "trials": len(rows),
    })  # fmt: skip


def _columns(rows: pd.DataFrame, names: list[str]) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """Return the values and the optuna distribution of each hyperparameter, by name."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    columns: dict[str, list[Any]] = {}
    kinds: dict[str, Any] = {}
    for name in names:
        values = rows[name]
        numbers = values.notna().all() and not any(isinstance(v, (bool, str)) for v in values)
        if numbers:
            array = values.to_numpy(dtype=float)
            array = np.log10(array) if scale_for(rows, name) == "log" else array
            columns[name] = array.tolist()
            kinds[name] = FloatDistribution(float(array.min()), float(array.max()))
        else:
            # a missing value is a category of its own
            columns[name] = [str(value) for value in values]
            kinds[name] = CategoricalDistribution(sorted(set(columns[name])))
    return columns, kinds


def _shares(
    columns: dict[str, list[Any]],
    kinds: dict[str, Any],
    losses: Array,
    indices: Sequence[int],
    seed: int,
) -> Array:
    """Return the share of each column in the variance of one resample, then the remaining share."""
    import optuna
    from optuna.importance import FanovaImportanceEvaluator

    if np.ptp(losses[list(indices)]) == 0 or all(kind.single() for kind in kinds.values()):
        return np.zeros(len(columns) + 1)
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # silence the message about each new study
    try:
        study = optuna.create_study()
    finally:
        optuna.logging.set_verbosity(verbosity)
    study.add_trials([
        optuna.trial.create_trial(
            params={name: column[row] for name, column in columns.items()},
            distributions=kinds,
            value=float(losses[row]),
        )
        for row in indices
    ])  # fmt: skip
    importances = FanovaImportanceEvaluator(n_trees=TREES, seed=seed).evaluate(study)
    alone = [float(importances[name]) for name in columns]
    return np.array([*alone, max(0.0, 1 - sum(alone))])


def _order(data: pd.DataFrame, names: list[str]) -> list[str]:
    """Sort the bars from the bottom: interactions, then by rising importance in the last bin."""
    short = [name.removeprefix("config.") for name in names]
    if data.empty:
        return [REST, *short]
    last = data[data["bin"] == data["bin"].iloc[-1]].set_index("hyperparameter")["importance"]
    return [REST, *sorted(short, key=lambda name: float(last[name]))]
