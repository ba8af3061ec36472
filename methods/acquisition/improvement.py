"""Expected improvement and its logarithm (Jones et al. 1998, eq. 15), for minimisation."""

from __future__ import annotations

import numpy as np
from scipy.special import erfcx, log_ndtr, ndtr

from benchmarks.core.arrays import Array

_LOG_ROOT_2PI = 0.5 * np.log(2 * np.pi)


def log_expected_improvement(mean: Array, sd: Array, best: Array | float) -> Array:
    """Return the logarithm of ``E[max(best - f, 0)]`` for normal ``f``; arguments broadcast.

    Does not underflow where EI does: with ``z = (best - mean) / sd`` it is
    ``log sd + log(pdf(z) + z cdf(z))``, and for negative ``z`` the sum is rewritten with ``erfcx``
    (Ament et al. 2023, eq. 9, up to the choice of branches). ``sd`` is raised to at least 1e-12.
    """
    sd = np.maximum(sd, 1e-12)
    z = (best - mean) / sd
    near = np.maximum(z, -1.0)
    direct = np.log(np.exp(-0.5 * near**2 - _LOG_ROOT_2PI) + near * ndtr(near))
    far = np.minimum(z, -1.0)
    # cdf(z) / pdf(z) is Mills' ratio, sqrt(pi/2) erfcx(-z/sqrt 2). Below -1e3 the bracket loses
    # its digits by cancellation, so its first-order value 1/z^2 is used.
    ratio = 1 + np.maximum(far, -1e3) * np.sqrt(np.pi / 2) * erfcx(-np.maximum(far, -1e3) / 2**0.5)
    bracket = np.where(far > -1e3, np.log(np.maximum(ratio, 1e-300)), -2 * np.log(-far))
    tail = -0.5 * far**2 - _LOG_ROOT_2PI + bracket
    return np.asarray(np.log(sd) + np.where(z > -1, direct, tail))


def log_expected_improvement_gradient(z: Array) -> tuple[Array, Array]:
    """Return the derivatives of log EI with respect to mean and sd, each times ``sd``.

    Both depend on ``z`` alone. As ``dEI/dmean = -cdf(z)`` and ``dEI/dsd = pdf(z)``, they are ratios
    to ``h(z) = pdf(z) + z cdf(z)``, computed in logarithms.
    """
    log_h = log_expected_improvement(-z, np.ones_like(z), 0.0)
    log_pdf = -0.5 * z**2 - _LOG_ROOT_2PI
    return -np.exp(log_ndtr(z) - log_h), np.exp(log_pdf - log_h)
