"""Posterior samples of the hyperparameters, determined by the data and the random stream alone.

Walkers start around a mode (found by L-BFGS), spread by a Laplace approximation, and take some
steps of the affine-invariant ensemble sampler (Goodman & Weare 2010, as in emcee, which RoBO uses
with a chain that continues from fit to fit). All walkers of a half-step share one batched
likelihood evaluation.

Limitation: with fewer than about 50 trials the posterior may have several modes, or a plateau on
which all variation counts as noise. The walkers stay near the mode they start from, after 100 steps
as after 10.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize

from benchmarks.core.arrays import Array
from methods.models.gp import Data, Posterior, log_likelihood, log_likelihood_gradient
from methods.models.kernels import Points, ProductKernel
from methods.models.priors import LENGTH_SCALES, Priors, standard_priors

STEPS = 20
"""number of sampler steps, starting around the mode; RoBO takes 100 burn-in steps from the prior,
and 100 more"""

LogDensity = Callable[[Array], Array]
"""log density of a batch: ``(m, size)`` to ``(m,)``"""


def fit(
    points: Points,
    y: Array,
    samples: int,
    rng: np.random.Generator,
    *,
    kernel: ProductKernel | None = None,
    diagonal: bool = False,
    length_scales: tuple[float, float] = LENGTH_SCALES,
    steps: int = STEPS,
) -> Posterior:
    """Fit a product-kernel Gaussian process, marginalised over its hyperparameters.

    ``y`` is standardised (a constant ``y`` becomes 0), so that one set of priors serves losses and
    costs alike.

    Args:
        points: ``n`` inputs.
        y: observed values, shape ``(n,)``.
        samples: number of hyperparameter samples.
        rng: random generator for the search of the mode and the sampler.
        kernel: None for a ``ProductKernel``.
        diagonal: True for a diagonal ``Sigma`` of that ``ProductKernel``.
        length_scales: range of the length scales in the prior, in units of the unit cube's edge.
        steps: number of sampler steps.

    Returns:
        The posterior for ``samples`` hyperparameter samples.
    """
    offset = float(y.mean())
    scale = float(y.std()) if y.std() > 1e-6 else 1.0
    kernel = kernel or ProductKernel(points.x.shape[1], points.phi.shape[1], diagonal)
    priors = standard_priors(kernel, length_scales)
    data = Data(points, (y - offset) / scale)

    def log_posterior(theta: Array) -> Array:
        value = priors.log_density(theta)
        inside = np.isfinite(value)
        if inside.any():
            value[inside] += log_likelihood(kernel, theta[inside], data)
        return value

    mode = find_mode(kernel, priors, data, log_posterior, rng)
    size = len(mode)
    count = max(24, samples + samples % 2, 2 * size + 2)
    walkers = spread_around(mode, kernel, priors, data, count, rng)
    walkers = ensemble(log_posterior, walkers, steps, rng)
    return Posterior(kernel, walkers[:samples], data, offset, scale)


def find_mode(
    kernel: ProductKernel,
    priors: Priors,
    data: Data,
    log_posterior: LogDensity,
    rng: np.random.Generator,
) -> Array:
    """Return a mode of the hyperparameters' posterior, shape ``(size,)``.

    L-BFGS starts from the best of 50 draws from the prior. There may be other modes (see above).
    """
    draws = priors.sample(rng, 50)
    start = draws[int(np.argmax(log_posterior(draws)))]

    def negative(theta: Array) -> tuple[float, Array]:
        value, gradient = _log_posterior_gradient(kernel, priors, data, theta)
        return -value, -gradient

    bounds = np.stack([priors.low, priors.high], axis=1)
    options = {"maxiter": 60}
    result = minimize(negative, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return np.asarray(result.x)


def _log_posterior_gradient(
    kernel: ProductKernel, priors: Priors, data: Data, theta: Array
) -> tuple[float, Array]:
    value, gradient = log_likelihood_gradient(kernel, theta, data)
    return value + float(priors.log_density(theta[None])[0]), gradient + priors.gradient(theta)


def spread_around(
    mode: Array,
    kernel: ProductKernel,
    priors: Priors,
    data: Data,
    count: int,
    rng: np.random.Generator,
) -> Array:
    """Draw ``count`` walkers from a Laplace approximation at ``mode``, shape ``(count, size)``.

    The Hessian comes from finite differences of the gradient. Directions with a curvature below 1
    get the standard deviation 1; draws outside the priors' box are reflected into it.
    """
    step, size = 1e-4, len(mode)
    middle = np.clip(mode, priors.low + 2 * step, priors.high - 2 * step)
    hessian = np.empty((size, size))
    for i in range(size):
        shift = step * np.eye(size)[i]
        _, up = _log_posterior_gradient(kernel, priors, data, middle + shift)
        _, down = _log_posterior_gradient(kernel, priors, data, middle - shift)
        hessian[i] = (down - up) / (2 * step)
    curvature, axes = np.linalg.eigh(0.5 * (hessian + hessian.T))
    sd = 1 / np.sqrt(np.maximum(curvature, 1.0))
    walkers = mode + (rng.standard_normal((count, size)) * sd) @ axes.T
    width = priors.high - priors.low
    offset = np.mod(walkers - priors.low, 2 * width)
    return np.asarray(priors.low + np.minimum(offset, 2 * width - offset))


def ensemble(
    log_density: LogDensity, walkers: Array, steps: int, rng: np.random.Generator
) -> Array:
    """Move an even number of walkers ``(w, size)`` by stretch moves; return their last positions.

    Goodman & Weare 2010, eqs. 7 to 10 with a = 2: each half moves relative to the other.
    """
    walkers = walkers.copy()
    count, size = walkers.shape
    half = count // 2
    value = log_density(walkers)
    partners = rng.integers(half, size=(steps, 2, half))
    stretch = np.square(1 + rng.random((steps, 2, half))) / 2
    # a move is accepted if the log density changes by more than this
    least = np.log(rng.random((steps, 2, half))) - (size - 1) * np.log(stretch)
    for step in range(steps):
        for turn, (moving, still) in enumerate(((slice(0, half), half), (slice(half, count), 0))):
            partner = walkers[still + partners[step, turn]]
            proposal = partner + stretch[step, turn, :, None] * (walkers[moving] - partner)
            proposed = log_density(proposal)
            accepted = proposed - value[moving] > least[step, turn]
            walkers[moving] = np.where(accepted[:, None], proposal, walkers[moving])
            value[moving] = np.where(accepted, proposed, value[moving])
    return walkers
