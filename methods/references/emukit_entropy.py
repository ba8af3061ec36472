"""Entropy Search and Max-value Entropy Search at the target, as emukit 0.5.1 computes them.

Reference methods: the library's own acquisition functions on the library's own model, next to this
suite's ``entropy_search``.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from benchmarks.core.space import Space
from benchmarks.core.trial import Fidelities, History, Suggestion
from methods.acquisition.candidates import around, exclude_pending, uniform
from methods.models.training_data import training_data
from methods.options import check_counts
from methods.references.global_random import global_random
from methods.references.gpy_ei import GPyEI, condition_on_pending, predict, quiet_gpy


def error_note(error: Exception) -> dict[str, str]:
    """Note of a suggestion that had to be made without emukit."""
    return {"emukit_error": f"{type(error).__name__}: {error}".strip()}


class EmukitSearch(GPyEI):
    """What both share: the model and the recommendation of ``GPyEI``, candidates, a way out.

    Emukit sees the unit cube as continuous; candidates are real configs. One half is uniform, one
    half near the five evaluated configs of lowest posterior mean; the best one is suggested. Where
    emukit raises or scores nothing, a uniform config is, and its note ``emukit_error`` says why.
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
        except Exception as error:  # emukit raises bare ones when numbers go wrong
            return Suggestion(self.space.sample(rng), note=error_note(error))
        return Suggestion(self.space.decode(x[best]))

    @abstractmethod
    def _search(self, model: Any) -> Any:
        """Emukit's acquisition function on GPy's ``model``."""


class EmukitES(EmukitSearch):
    """Emukit's ``EntropySearch`` (Hennig & Schuler 2012, JMLR 13); full trainings only.

    As it is, by expectation propagation, with what is wrong in it: the second derivative of the
    minimum's distribution by the mean is an elementwise product where an outer one is due
    (``epmgp.joint_min``), negative covariances between representers are raised to 1e-10
    (``GPyModelWrapper.predict_covariance``), and the evaluation that is imagined has no noise.

    Args:
        space: the task's configs.
        fidelities: the task's fidelities; only the target is used.
        initial_trials: uniform random configs before the model is used.
        restarts: starting points of the likelihood's maximisation.
        candidates: configs at which the gain is computed.
        representers: points among which the minimiser is looked for, drawn in proportion to
            expected improvement; two a coordinate of the unit cube at least. The work grows with
            their cube.
        innovations: quantiles of the imagined loss over which the gain is averaged.
        burn_in: steps of the representers' sampler (emcee) that are thrown away.
        sampler_steps: its steps after those.
        loss_transform: ``log`` models the logarithm of the loss, ``none`` the loss itself.

    Raises:
        ValueError: an option outside what is allowed.
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

    Information about the lowest loss, not about its place. Emukit's class fails with numpy 2.4 and
    later; ``methods.references.emukit_pieces.MaxValueSearch`` says what was changed.

    Args:
        space: the task's configs.
        fidelities: the task's fidelities; only the target is used.
        initial_trials: uniform random configs before the model is used.
        restarts: starting points of the likelihood's maximisation.
        candidates: configs at which the gain is computed.
        minima: samples of the lowest loss.
        grid: random points to which the distribution of the lowest loss is fitted.
        loss_transform: ``log`` models the logarithm of the loss, ``none`` the loss itself.

    Raises:
        ValueError: an option outside what is allowed.
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
