"""Entropy Search and Max-value Entropy Search at the target fidelity, as in emukit 0.5.1.

Reference methods: emukit's acquisition functions on a GPy model, for comparison with
``entropy_search`` of this suite.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from benchmarks.core.space import Space
from benchmarks.core.trial import Fidelities, History, Suggestion
from methods.acquisition.candidates import around, exclude_pending, uniform
from methods.models.loss_transform import transform_note
from methods.models.training_data import training_data
from methods.options import check_counts
from methods.references.global_random import global_random
from methods.references.gpy_ei import GPyEI, condition_on_pending, predict, quiet_gpy


def error_note(error: Exception) -> dict[str, str]:
    """Return the note of a suggestion that was made without emukit, because of ``error``."""
    return {"emukit_error": f"{type(error).__name__}: {error}".strip()}


class EmukitSearch(GPyEI):
    """Base of both methods: model and incumbent of ``GPyEI``, candidates, and a fallback.

    Emukit treats the unit cube as continuous, but candidates are valid configs. One half is
    uniform, the other half is near the five configs with the lowest posterior mean; the best
    candidate is suggested. If emukit raises or every gain is NaN, a uniform config is suggested
    instead, and its note ``emukit_error`` gives the reason.
    """

    def suggest(self, history: History, rng: np.random.Generator) -> Suggestion:
        data = training_data(history, self.space, transform=self.loss_transform, only=(1.0,))
        if len(history) < self.initial_trials or data is None:
            return Suggestion(self.space.sample(rng))
        model = condition_on_pending(self._fit(data), data)
        promising = data.all_x[np.argsort(predict(model, data.all_x)[0], kind="stable")[:5]]
        near = around(self.space, promising, self.candidates // 2, rng)
        x = np.concatenate([uniform(self.space, self.candidates - len(near), rng), near])
        try:
            with quiet_gpy(), global_random(rng):
                search = self._search(model)
                search.update_parameters()
                gain = search.evaluate(x)[:, 0]
                open_gain = exclude_pending(gain, x, np.ones(len(x)), data.pending)
                best = int(np.nanargmax(open_gain))
        except Exception as error:  # emukit raises bare Exceptions on numerical errors
            return Suggestion(self.space.sample(rng), note=error_note(error))
        return Suggestion(self.space.decode(x[best]), note=transform_note(data.transform))

    @abstractmethod
    def _search(self, model: Any) -> Any:
        """Return emukit's acquisition function on GPy's ``model``."""


class EmukitES(EmukitSearch):
    """Emukit's ``EntropySearch`` (Hennig & Schuler 2012, JMLR 13); full trainings only.

    It uses expectation propagation and is run unmodified, with its bugs: the second derivative of
    the minimiser's distribution with respect to the mean is an elementwise product instead of an
    outer one (``epmgp.joint_min``), negative covariances between representers are raised to 1e-10
    (``GPyModelWrapper.predict_covariance``), and the hypothetical evaluation has no noise.

    Args:
        space: search space of the task.
        fidelities: fidelities of the task; only the target is used.
        initial_trials: number of uniform random configs before the model is used.
        restarts: number of starting points when the likelihood is maximised.
        candidates: number of configs at which the gain is computed.
        representers: number of possible minimisers, drawn in proportion to expected improvement; at
            least two per coordinate of the unit cube are used. The run time grows with the cube of
            this number.
        innovations: number of quantiles of the hypothetical loss over which the gain is averaged.
        burn_in: number of burn-in steps of the representers' sampler (emcee).
        sampler_steps: number of its steps after burn-in.
        loss_transform: ``log`` to model the logarithm of the loss, and ranks once a loss has none
            (see ``transform_in_use``); ``none`` for the loss itself.

    Raises:
        ValueError: if an option is out of range.
    """

    def __init__(
        self,
        space: Space,
        fidelities: Fidelities,
        *,
        initial_trials: int = 5,
        restarts: int = 3,
        candidates: int = 2000,
        representers: int = 50,
        innovations: int = 100,
        burn_in: int = 50,
        sampler_steps: int = 100,
        loss_transform: str = "log",
    ) -> None:
        super().__init__(
            space,
            fidelities,
            initial_trials=initial_trials,
            restarts=restarts,
            candidates=candidates,
            loss_transform=loss_transform,
        )
        check_counts(
            representers=representers,
            innovations=innovations,
            burn_in=burn_in,
            sampler_steps=sampler_steps,
        )
        self.representers = representers
        self.innovations = innovations
        self.burn_in = burn_in
        self.sampler_steps = sampler_steps

    def _search(self, model: Any) -> Any:
        from emukit.bayesian_optimization.acquisitions import EntropySearch

        from methods.references import emukit_pieces as pieces

        return pieces.entropy_search(
            EntropySearch,
            pieces.ClippedGPy(model),
            pieces.cube(self.space.width),
            max(self.representers, 2 * self.space.width),
            self.innovations,
            self.burn_in,
            self.sampler_steps,
        )


class EmukitMES(EmukitSearch):
    """Emukit's ``MaxValueEntropySearch`` (Wang & Jegelka 2017, ICML); full trainings only.

    Maximises information about the lowest loss instead of its location. Emukit's class fails with
    numpy 2.4 and later; ``methods.references.emukit_pieces.MaxValueSearch`` says what was changed.

    Args:
        space: search space of the task.
        fidelities: fidelities of the task; only the target is used.
        initial_trials: number of uniform random configs before the model is used.
        restarts: number of starting points when the likelihood is maximised.
        candidates: number of configs at which the gain is computed.
        minima: number of samples of the lowest loss.
        grid: number of random points to which the distribution of the lowest loss is fitted.
        loss_transform: ``log`` to model the logarithm of the loss, and ranks once a loss has none
            (see ``transform_in_use``); ``none`` for the loss itself.

    Raises:
        ValueError: if an option is out of range.
    """

    def __init__(
        self,
        space: Space,
        fidelities: Fidelities,
        *,
        initial_trials: int = 5,
        restarts: int = 3,
        candidates: int = 2000,
        minima: int = 10,
        grid: int = 5000,
        loss_transform: str = "log",
    ) -> None:
        super().__init__(
            space,
            fidelities,
            initial_trials=initial_trials,
            restarts=restarts,
            candidates=candidates,
            loss_transform=loss_transform,
        )
        check_counts(minima=minima, grid=grid)
        self.minima = minima
        self.grid = grid

    def _search(self, model: Any) -> Any:
        from methods.references import emukit_pieces as pieces

        return pieces.MaxValueSearch(
            pieces.ClippedGPy(model),
            pieces.cube(self.space.width),
            num_samples=self.minima,
            grid_size=self.grid,
        )
