"""What a multi-task Gaussian process learns from a cheap task: data of one illustration.

After Swersky, Snoek & Adams 2013, figure 1: a few observations of the target, many of a cheap task
that is related to it, and the posterior of the target without and with the latter. Drawn by the
models of ``mtbo`` on the two functions below; nothing was trained.
"""

from __future__ import annotations

import csv
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.core.arrays import Array
from methods.models.gp import Posterior
from methods.models.kernels import Points, constant_basis, indicator_basis
from methods.models.sampling import fit

CHEAP, TARGET = 0.25, 1.0
OBSERVED = {
    TARGET: (0.04, 0.13, 0.3, 0.42, 0.95),
    CHEAP: tuple(np.linspace(0.02, 0.98, 12).round(3).tolist()),
}
"""where each task was evaluated"""
NOISE = 0.01
SAMPLES = 20
"""of the hyperparameters"""


def loss_of(x: Array, fidelity: float) -> Array:
    """The two tasks: the cheap one is offset, tilted and shifted a little; shape as ``x``."""
    shift = 0.03 if fidelity == CHEAP else 0.0
    curve = 0.35 + 0.25 * np.sin(7.0 * (x + shift) + 0.4) * (1.2 - 0.6 * x) + 0.3 * (x - 0.6) ** 2
    return curve + (0.12 + 0.06 * x if fidelity == CHEAP else 0.0)


def write_multitask_toy(folder: Path) -> list[Path]:
    """Write ``multitask_toy.csv`` (curves) and ``multitask_toy_points.csv`` into a folder.

    Curves: ``x``, ``target`` and ``cheap`` (the functions), and ``mean`` and ``sd`` of the target's
    posterior by ``single`` (its own observations) and ``multi`` (all of them), marginalised over
    hyperparameters. Points: ``task``, ``x``, ``loss``.
    """
    rng = np.random.default_rng(0)
    s = np.repeat(list(OBSERVED), [len(xs) for xs in OBSERVED.values()])
    x = np.concatenate(list(OBSERVED.values()))
    truth = np.where(s == TARGET, loss_of(x, TARGET), loss_of(x, CHEAP))
    y = truth + NOISE * rng.standard_normal(len(x))
    grid = np.linspace(0, 1, 201)
    basis = partial(indicator_basis, values=(CHEAP, TARGET))
    both = fit(Points(x[:, None], basis(s)), y, SAMPLES, rng)
    own = s == TARGET
    alone = fit(Points(x[own][:, None], constant_basis(s[own])), y[own], SAMPLES, rng)
    ones = np.ones(len(grid))
    multi = _moments(both, Points(grid[:, None], basis(ones)))
    single = _moments(alone, Points(grid[:, None], constant_basis(ones)))
    functions = (loss_of(grid, TARGET), loss_of(grid, CHEAP))
    paths = [folder / "multitask_toy.csv", folder / "multitask_toy_points.csv"]
    heads = ["x", "target", "cheap", "single_mean", "single_sd", "multi_mean", "multi_sd"]
    _write(paths[0], heads, np.column_stack([grid, *functions, *single, *multi]).tolist())
    names = ["target" if mine else "cheap" for mine in own]
    _write(paths[1], ["task", "x", "loss"], list(zip(names, x.tolist(), y.tolist(), strict=True)))
    return paths


def _moments(posterior: Posterior, points: Points) -> tuple[Array, Array]:
    """Mean and standard deviation of the mixture over hyperparameter samples."""
    means, variances = posterior.mean(points), posterior.variance(points)
    return means.mean(axis=0), np.sqrt(variances.mean(axis=0) + means.var(axis=0))


def _write(path: Path, heads: list[str], lines: list[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(heads)
        for line in lines:
            writer.writerow([f"{v:.6g}" if isinstance(v, float) else v for v in line])
