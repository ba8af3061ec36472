from __future__ import annotations

import numpy as np

from methods.acquisition.representer_posterior import RepresenterPosterior
from methods.acquisition.representers import at_target
from methods.models.gp import Data, Posterior
from methods.models.kernels import Points, loss_basis
from support.models import BASIS, model


def test_mean_and_covariance_are_the_posteriors() -> None:
    posterior = model()
    representers = np.random.default_rng(1).random((1, 7, 2))
    joint = RepresenterPosterior(posterior, representers, BASIS)
    points = at_target(representers[0], BASIS)
    np.testing.assert_allclose(joint.mean, posterior.mean(points), rtol=1e-8)
    np.testing.assert_allclose(joint.covariance, posterior.covariance(points, points), atol=1e-5)


def test_response_is_what_a_refit_does() -> None:
    """Innovations against an actual refit: mean and covariance after one more observation."""
    posterior = model()
    representers = np.random.default_rng(1).random((1, 7, 2))
    at = at_target(representers[0], BASIS)
    point = Points(np.array([[0.2, 0.8]]), loss_basis(np.array([0.6])))
    b = RepresenterPosterior(posterior, representers, BASIS).response(point)[0, :, 0]
    old = posterior.data
    mean = posterior.mean(point)[0, 0]
    sd = np.sqrt(posterior.variance(point)[0, 0] + posterior.noise[0])
    for w in (-2.0, 0.0, 1.3):
        data = Data(
            Points(
                np.concatenate([old.points.x, point.x]), np.concatenate([old.points.phi, point.phi])
            ),
            np.append(old.y, mean + w * sd),
        )
        refit = Posterior(posterior.kernel, posterior.theta, data)
        np.testing.assert_allclose(refit.mean(at)[0], posterior.mean(at)[0] + w * b, atol=1e-8)
        np.testing.assert_allclose(
            refit.covariance(at, at)[0],
            posterior.covariance(at, at)[0] - np.outer(b, b),
            atol=1e-8,
        )
