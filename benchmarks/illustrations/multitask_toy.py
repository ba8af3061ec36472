"""Data of an illustration: a multi-task Gaussian process learns from a cheap, related task.

After Swersky, Snoek & Adams 2013, figure 1: few observations of the target task, many of a cheap
one, and the posterior of the target task without and with the cheap observations. The models are
those of ``mtbo``, the two tasks are functions defined below; nothing is trained.
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
"""inputs x in [0, 1] at which each task is observed"""
NOISE = 0.01
"""standard deviation of the observations"""
SAMPLES = 20
"""number of hyperparameter samples"""


def loss_of(x: Array, fidelity: float) -> Array:
    """Return the noise-free losses of a task at ``x``, in its shape.

    The cheap task is the target task, slightly shifted, raised and tilted.
    """
    shift = 0.03 if fidelity == CHEAP else 0.0
    curve = 0.35 + 0.25 * np.sin(7.0 * (x + shift) + 0.4) * (1.2 - 0.6 * x) + 0.3 * (x - 0.6) ** 2
    return curve + (0.12 + 0.06 * x if fidelity == CHEAP else 0.0)


def write_multitask_toy(folder: Path) -> list[Path]:
    """Write ``multitask_toy.csv`` (curves) and ``multitask_toy_points.csv`` into a folder.

    Columns of the curves: ``x``; ``target`` and ``cheap``, the functions; and mean and standard
    deviation of the posterior of the target task, from its own observations (``single_mean``,
    ``single_sd``) and from all (``multi_mean``, ``multi_sd``), marginalised over hyperparameters.
    Columns of the points: ``task``, ``x``, ``loss``.

    Returns:
        The paths of both files.
    """
    rng = np.random.default_rng(0)
    s = np.repeat(list(OBSERVED), [len(xs) for xs in OBSERVED.values()])
    x = np.concatenate(list(OBSERVED.values()))
    truth = np.where(s == TARGET, loss_of(x, TARGET), loss_of(x, CHEAP))
    y = truth + NOISE * rng.standard_normal(len(x))
    grid = np.linspace(0, 1, 201)
    basis = partial(indicator_basis, values=(CHEAP, TARGET))
    both = fit(Points(x[:, None], basis(s)), y, SAMPLES, rng)
    target = s == TARGET
    alone = fit(Points(x[target][:, None], constant_basis(s[target])), y[target], SAMPLES, rng)
    ones = np.ones(len(grid))
    multi = _moments(both, Points(grid[:, None], basis(ones)))
    single = _moments(alone, Points(grid[:, None], constant_basis(ones)))
    functions = (loss_of(grid, TARGET), loss_of(grid, CHEAP))
    paths = [folder / "multitask_toy.csv", folder / "multitask_toy_points.csv"]
    heads = ["x", "target", "cheap", "single_mean", "single_sd", "multi_mean", "multi_sd"]
    _write(paths[0], heads, np.column_stack([grid, *functions, *single, *multi]).tolist())
    names = ["target" if is_target else "cheap" for is_target in target]
    _write(paths[1], ["task", "x", "loss"], list(zip(names, x.tolist(), y.tolist(), strict=True)))
    return paths


def _moments(posterior: Posterior, points: Points) -> tuple[Array, Array]:
    """Return mean and standard deviation of the mixture over hyperparameter samples."""
    means, variances = posterior.mean(points), posterior.variance(points)
    return means.mean(axis=0), np.sqrt(variances.mean(axis=0) + means.var(axis=0))


def _write(path: Path, heads: list[str], lines: list[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(heads)
        for line in lines:
            writer.writerow([f"{v:.6g}" if isinstance(v, float) else v for v in line])
