"""A small fitted model, for tests of what is computed from one."""

from __future__ import annotations

import numpy as np

from methods.models.gp import Data, Posterior
from methods.models.kernels import Points, ProductKernel, loss_basis

BASIS = loss_basis(np.ones(1))[0]


def model(noise: float = 0.01) -> Posterior:
    """A fitted model in two dimensions, one hyperparameter sample, ten noisy observations."""
    rng = np.random.default_rng(4)
    kernel = ProductKernel(2)
    theta = np.array([[-1.0, -0.7, 0.0, 0.3, -0.5, np.log(noise)]])
    x, u = rng.random((10, 2)), rng.random(10) * 0.7
    y = np.sin(6 * x[:, 0]) + x[:, 1] + (1 - u) ** 2
    return Posterior(kernel, theta, Data(Points(x, loss_basis(u)), (y - y.mean()) / y.std()))


def entropy(p: np.ndarray) -> float:
    """In nats."""
    return float(-(p[p > 0] * np.log(p[p > 0])).sum())
