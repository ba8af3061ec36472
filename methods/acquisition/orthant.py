"""Orthant probabilities of normal vectors, by expectation propagation.

The Heaviside factor of every coordinate is approximated by a scaled normal (Minka 2001; formulas:
Rasmussen & Williams 2006, sec. 3.6, with a step function instead of the probit; for orthants, and
thereby for ``p_min``: Cunningham, Hennig & Lacoste-Julien 2011). All factors of a problem are
updated in parallel with damping, so that a sweep costs one Cholesky factorisation and one
triangular solve.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import numpy as np
from scipy.linalg import lapack
from scipy.special import erfcx, log_ndtr

from benchmarks.core.arrays import Array

STEP = 0.8
"""initial damping: share of the step to the new factors. Strongly correlated problems oscillate, so
the share is multiplied by ``SHRINK`` when marginals move about as far as in the sweep before"""
SHRINK = 0.7
SWEEPS = 60
"""maximum number of sweeps; problems of 50 dimensions take about 15"""


class Orthants(NamedTuple):
    """``log P(d >= 0)`` of ``P`` normal vectors in ``D`` dimensions, and its derivatives."""

    log_p: Array
    """log probabilities, shape ``(P,)``"""
    slope: Array
    """derivative with respect to the mean, shape ``(P, D)``"""
    curvature: Array
    """minus the second derivative with respect to the mean, with fixed factors (as in Hennig &
    Schuler 2012), shape ``(P, D, D)``. By the heat equation the derivative with respect to the
    covariance is ``(slope slope' - curvature) / 2``"""


class _Factors(NamedTuple):
    """Normal factors and the resulting marginals, as offsets from the mean; ``(P, D)`` each."""

    precision: Array
    shift: Array
    """precision times offset"""
    centre: Array
    variance: Array


def orthants(mean: Array, covariance: Array, tolerance: float = 1e-2) -> Orthants:
    """Compute ``P`` orthant probabilities of normal vectors in ``D`` dimensions.

    Means are ``(P, D)``, positive definite covariances ``(P, D, D)``. A problem has converged when
    a sweep moves no marginal by more than ``tolerance`` prior standard deviations; it ends after
    ``SWEEPS`` sweeps at the latest. The default tolerance changes probabilities by at most 2e-4,
    less than the error of EP itself.
    """
    diagonal = np.arange(mean.shape[1])
    prior = covariance[:, diagonal, diagonal]
    zero = np.zeros_like(mean)
    factors = _Factors(zero, zero.copy(), zero.copy(), prior.copy())
    live = np.arange(len(mean))
    step, before = np.full(len(mean), STEP), np.full(len(mean), np.inf)
    for _ in range(SWEEPS):
        old = _Factors(*(part[live] for part in factors))
        new = _sweep(mean[live], covariance, live, old, step[live, None])
        moved = np.abs(new.centre - old.centre) / np.sqrt(prior[live])
        moved += np.abs(new.variance - old.variance) / prior[live]
        for part, value in zip(factors, new, strict=True):
            part[live] = value
        furthest = moved.max(axis=1)
        step[live] *= np.where(furthest > 0.9 * before[live], SHRINK, 1.0)
        before[live] = furthest
        live = live[furthest > tolerance]
        if not live.size:
            break
    return _finish(mean, covariance, factors)


def _cavity(factors: _Factors) -> tuple[Array, Array]:
    """Return precision and offset of the cavities (marginals without their own factor)."""
    precision = 1 / factors.variance - factors.precision
    precision = np.maximum(precision, 1e-10 / factors.variance)
    return precision, (factors.centre / factors.variance - factors.shift) / precision


def _sweep(mean: Array, covariance: Array, live: Any, old: _Factors, step: Array) -> _Factors:
    """Match each factor to the moments of its half-line, then update the marginals."""
    cavity, offset = _cavity(old)
    root = np.sqrt(cavity)
    z = np.maximum((offset + mean) * root, -1e3)
    hazard = np.sqrt(2 / np.pi) / erfcx(-z / np.sqrt(2))  # pdf(z) / cdf(z)
    narrowing = np.clip(hazard * (z + hazard), 1e-12, 1 - 1e-7)
    precision = cavity * narrowing / (1 - narrowing)
    shift = (hazard * root + offset * narrowing * cavity) / (1 - narrowing)
    precision = old.precision + step * (precision - old.precision)
    shift = old.shift + step * (shift - old.shift)

    centre, variance = np.empty_like(mean), np.empty_like(mean)
    for i, problem in enumerate(live):
        S = covariance[problem]
        scaled, L = _factorise(S, precision[i])
        half = cast(Any, lapack.dtrtrs)(L, scaled, lower=1)[0]
        pulled = S @ shift[i]
        centre[i] = pulled - half.T @ (half @ shift[i])
        variance[i] = S.diagonal() - np.einsum("ij,ij->j", half, half)
    floor = 1e-12 * covariance[live].diagonal(axis1=1, axis2=2)
    return _Factors(precision, shift, centre, np.maximum(variance, floor))


def _factorise(S: Array, precision: Array) -> tuple[Array, Array]:
    """Return ``T^1/2 S`` and the Cholesky factor of ``I + T^1/2 S T^1/2``.

    ``T`` is the diagonal matrix of ``precision``.
    """
    root = np.sqrt(precision)
    scaled = root[:, None] * S
    B = scaled * root
    B.flat[:: len(B) + 1] += 1
    return scaled, np.asarray(lapack.dpotrf(B.T, lower=1, clean=1)[0])


def _finish(mean: Array, covariance: Array, factors: _Factors) -> Orthants:
    """Return the evidence (Rasmussen & Williams eqs. 3.65, 3.73, 3.74) and its derivatives."""
    precision, shift = factors.precision, factors.shift
    cavity, offset = _cavity(factors)
    log_p = log_ndtr((offset + mean) * np.sqrt(cavity)).sum(axis=1)
    log_p += 0.5 * np.log1p(precision / cavity).sum(axis=1)
    both = cavity + precision
    log_p += 0.5 * (offset * cavity / both * (precision * offset - 2 * shift)).sum(axis=1)
    log_p -= 0.5 * (shift**2 / both).sum(axis=1)
    slope, curvature = np.empty_like(mean), np.empty_like(covariance)
    for i, S in enumerate(covariance):
        L = _factorise(S, precision[i])[1]
        half = cast(Any, lapack.dtrtrs)(L, np.diag(np.sqrt(precision[i])), lower=1)[0]
        curvature[i] = half.T @ half
        pulled = S @ shift[i]
        slope[i] = shift[i] - curvature[i] @ pulled
        log_p[i] += 0.5 * pulled @ slope[i] - np.log(L.diagonal()).sum()
    return Orthants(log_p, slope, curvature)
