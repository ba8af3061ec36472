"""Which hyperparameters matter, and at which fidelities: functional analysis of variance."""

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

FEWEST = 20  # trials without which a bin is left out
LARGEST = 300  # trials in a resample: the time of a fit grows faster than their number
RESAMPLES = 8
TREES = 16  # in the forest of each resample
REST = "interactions"


def draw_importance(table: pd.DataFrame, task: str) -> Figure:
    """Draw each hyperparameter's share of the variance of log loss, in three bins of fidelity.

    fANOVA (Hutter et al. 2014, https://proceedings.mlr.press/v32/hutter14.html) by optuna's
    ``FanovaImportanceEvaluator``: a random forest is fitted to trials, and the variance of its
    prediction over the box of values tried is split into one share a hyperparameter alone, and
    the rest, their interactions. Numbers on a log scale in the space (see
    ``analysis.figures.scales.scale_for``) count by their logarithm (here, as optuna leaves them as
    they are). Trials of all methods and seeds are pooled, failed
    ones left out, and losses raised to half a validation example before their logarithm.

    optuna keeps the spread over trees to itself, so the analysis is repeated: ``RESAMPLES``
    times, on as many trials as there are, but at most ``LARGEST``, drawn with replacement, and
    another forest each time. Bars are means, error bars the standard deviation over repetitions,
    which estimates the standard error (from above, if there are more trials than are drawn). It
    takes no account of trials of one run depending on each other, nor of where methods looked.

    Bins: ``target`` is fidelity 1; the others are split at the geometric middle between 1 and the
    lowest fidelity of the task in the table. Those with fewer than ``FEWEST`` trials are left out.

    Args:
        table: see ``analysis.data.tidy.tidy``.
        task: its name in the table.

    Returns:
        Data: ``bin``, ``hyperparameter`` (and ``interactions``), ``importance`` (share of
        variance), ``error`` (its standard error), ``trials`` (in the bin).

    Raises:
        ValueError: no trial on the task has succeeded, or optuna is not installed.
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
    used = {name: of for name, of in bins.items() if len(of) >= FEWEST}
    data = pd.concat([pd.DataFrame()] + [_analyse(of, names, name) for name, of in used.items()])
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
        f"Share of the variance of log loss on {task} that each hyperparameter explains alone "
        f"(fANOVA), by fidelity; error bars: spread over {RESAMPLES} resamples of at most "
        f"{LARGEST} trials, an upper bound of the standard error where there are more. Trials of "
        f"all methods pooled ({seeds_of(rows)} a method), without regard to clock or incumbent."
    )
    left_out = [f"{name} ({len(of)})" for name, of in bins.items() if name not in used]
    if left_out:
        caption += f" Left out, with fewer than {FEWEST} trials: {', '.join(left_out)}."
    return Figure(figure, data.reset_index(drop=True), caption)


def _bins(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    share = rows["fidelity"]
    target = share > 1 - 1e-9
    middle = float(np.sqrt(share.min()))
    if middle > 1 - 1e-9:  # nothing but the target
        return {"target (1)": rows}
    return {
        f"low (below {middle:.2g})": rows[share < middle],
        f"middle ({middle:.2g} to below 1)": rows[(share >= middle) & ~target],
        "target (1)": rows[target],
    }


def _analyse(rows: pd.DataFrame, names: list[str], label: str) -> pd.DataFrame:
    """Mean and standard error of all shares in one bin; all zero where losses do not differ."""
    columns, kinds = _columns(rows, names)
    losses = np.log(np.maximum(rows["loss"], np.maximum(rows["loss_floor"], 1e-12))).to_numpy()
    rng = np.random.default_rng(0)  # the same table gives the same bars
    draws = rng.integers(len(rows), size=(RESAMPLES, min(len(rows), LARGEST))).tolist()
    shares = np.array([
        _shares(columns, kinds, losses, drawn, seed) for seed, drawn in enumerate(draws)
    ])  # fmt: skip
    return pd.DataFrame({
        "bin": label,
        "hyperparameter": [*(name.removeprefix("config.") for name in names), REST],
        "importance": shares.mean(axis=0),
        "error": shares.std(axis=0, ddof=1),
        "trials": len(rows),
    })  # fmt: skip


def _columns(rows: pd.DataFrame, names: list[str]) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """Values of each hyperparameter, and what optuna calls their distribution."""
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
            columns[name] = [str(value) for value in values]  # absent is a choice, too
            kinds[name] = CategoricalDistribution(sorted(set(columns[name])))
    return columns, kinds


def _shares(
    columns: dict[str, list[Any]],
    kinds: dict[str, Any],
    losses: Array,
    drawn: Sequence[int],
    seed: int,
) -> Array:
    """Shares of the variance, in the order of the columns, and the rest: of one resample."""
    import optuna
    from optuna.importance import FanovaImportanceEvaluator

    if np.ptp(losses[list(drawn)]) == 0 or all(kind.single() for kind in kinds.values()):
        return np.zeros(len(columns) + 1)
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # it greets every study
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
        for row in drawn
    ])  # fmt: skip
    found = FanovaImportanceEvaluator(n_trees=TREES, seed=seed).evaluate(study)
    alone = [float(found[name]) for name in columns]
    return np.array([*alone, max(0.0, 1 - sum(alone))])


def _order(data: pd.DataFrame, names: list[str]) -> list[str]:
    """From the bottom: interactions, then the least important in the last bin drawn, upwards."""
    short = [name.removeprefix("config.") for name in names]
    if data.empty:
        return [REST, *short]
    last = data[data["bin"] == data["bin"].iloc[-1]].set_index("hyperparameter")["importance"]
    return [REST, *sorted(short, key=lambda name: float(last[name]))]
