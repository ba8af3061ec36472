"""Fabolas as shipped with emukit 0.5.1 (``emukit.examples.fabolas``), including its bugs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.core.arrays import Array
from benchmarks.core.protocols import Method
from benchmarks.core.space import Config, Space
from benchmarks.core.trial import Fidelities, History, Suggestion
from methods.bayesian.initial_design import CONFIGS, initial_suggestion
from methods.models.loss_transform import TRANSFORMS, transform_note
from methods.models.training_data import CachedFit, TrainingData, finished, training_data
from methods.options import check_choice, check_counts, check_shares
from methods.references.emukit_entropy import error_note
from methods.references.global_random import global_random
from methods.references.gpy_ei import quiet_gpy

SHARES = tuple(2.0**-i for i in range(9, 1, -1))
"""sizes in the example, ``s_max // 2**i``, as shares of the full training"""


class EmukitFabolas(Method):
    """Emukit's Fabolas, unmodified: what users of that library get.

    Emukit's ``FabolasLoop`` with ``marginalize_hypers=False`` (a maximum a posteriori fit) chooses
    config and subset size. It is not a faithful Fabolas; compare ``method=fabolas``. Its known bugs
    and deviations are kept:

    * The posterior covariance between two points is computed from sizes that were not rescaled
      (``FabolasModel.get_covariance_between_points`` transforms its inputs but passes on the raw
      ones), so the predicted effect of an evaluation on the representers is meaningless.
    * ``FabolasModel.get_f_minimum`` projects rescaled sizes to the largest raw one. Nothing calls
      it; the representers' expected improvement is over the lowest observed loss at any size.
    * The gradient of the kernel's ``b`` is a matrix product instead of an elementwise one, so the
      fit stops early.
    * The loss, like the cost, is linear in the scaled logarithm of the size; the paper's quadratic
      basis is defined and never used.
    * Loss and cost are neither centred nor scaled, all kernel parameters have a Uniform(0, 5)
      prior, and the cost is modelled without a logarithm, in seconds. Predicted costs below 1e-4,
      even negative ones, are raised to 1e-4, so the gain there is divided by almost nothing.
    * Any error while data are set silently replaces the kernel by another one.
    * Negative covariances between representers are raised to 1e-10, the hypothetical evaluation has
      no noise, and candidates are uniform in the size and not refined.
    * It has no incumbent at the target fidelity, and it appends its size to the caller's space.

    The following differs from emukit, because a method of this suite has no memory and works on any
    space. Configs are points of the unit cube, where the prior allows long length scales that it
    excludes on wider ranges (integers and categories are decoded from the chosen point). The
    initial design is that of ``methods.bayesian.initial_design``, not a Latin hypercube. Every fit
    starts from the same hyperparameters, not from those of the previous fit.

    The incumbent is defined by this suite: the evaluated config with the lowest mean of emukit's
    model at the target fidelity; before there is a model, the one with the lowest observed loss at
    any size. If emukit raises, the suggestion is the next one of the initial design, and its note
    ``emukit_error`` gives the reason.

    Emukit does not support pending trials. Here its loss model is conditioned on each of them with
    its posterior mean (kriging believer) before the next point is chosen.

    On a task that offers only the target fidelity, the size is fixed to it by emukit's ``context``;
    in a finite set of fidelities, the nearest one is used.

    Args:
        space: search space of the task.
        fidelities: fidelities of the task.
        initial_trials: number of trials in the initial design.
        initial_fidelities: shares of the full training that the initial design cycles through, as
            in the example; raised to the smallest one that the task offers.
        initial_configs: ``sobol``, one space-filling set, or ``random``, uniform.
        rows: size at the target fidelity. The example counts rows and rounds them to integers, so
            shares are multiplied by this number; the example has 50,000 (MNIST).
        restarts: number of starting points for the fit of each model.
        representers: number of possible minimisers at the target fidelity; at least two per
            coordinate of the unit cube are used. The run time grows with the cube of this number.
        innovations: number of quantiles of the hypothetical loss over which the gain is averaged.
        burn_in: number of burn-in steps of the representers' sampler (emcee).
        sampler_steps: number of its steps after burn-in.
        candidates: number of uniform configs and sizes at which the gain per cost is computed.
        loss_transform: ``log`` to model the logarithm of the loss, and ranks once a loss has none,
            like the other methods of this suite; ``none`` for the loss itself, as in the example.

    Raises:
        ValueError: if an option is out of range.
    """

    def __init__(
        self,
        space: Space,
        fidelities: Fidelities,
        *,
        initial_trials: int = 20,
        initial_fidelities: Sequence[float] = SHARES,
        initial_configs: str = "sobol",
        rows: int = 50_000,
        restarts: int = 3,
        representers: int = 50,
        innovations: int = 100,
        burn_in: int = 50,
        sampler_steps: int = 100,
        candidates: int = 2000,
        loss_transform: str = "log",
    ) -> None:
        check_counts(
            initial_trials=initial_trials,
            rows=rows,
            restarts=restarts,
            representers=representers,
            innovations=innovations,
            burn_in=burn_in,
            sampler_steps=sampler_steps,
            candidates=candidates,
        )
        if rows < 2:
            raise ValueError(f"method.rows={rows}: must be 2 or more")
        check_shares(initial_fidelities=initial_fidelities)
        check_choice("initial_configs", initial_configs, CONFIGS)
        check_choice("loss_transform", loss_transform, TRANSFORMS)
        self.space = space
        self.fidelities = fidelities
        self.initial_trials = initial_trials
        self.initial_fidelities = tuple(initial_fidelities)
        self.initial_configs = initial_configs
        self.rows = rows
        self.restarts = restarts
        self.representers = representers
        self.innovations = innovations
        self.burn_in = burn_in
        self.sampler_steps = sampler_steps
        self.candidates = candidates
        self.loss_transform = loss_transform
        self._fit = CachedFit(self._fitted_loop)

    def suggest(self, history: History, rng: np.random.Generator) -> Suggestion:
        data = training_data(history, self.space, transform=self.loss_transform)
        if len(history) < self.initial_trials or data is None:
            return self._initial(history, rng)
        context = {"s": float(self.rows)} if self.fidelities.low == 1 else {}
        try:
            fitted = self._fit(data)
            with quiet_gpy(), global_random(rng):
                loop = self._condition_on_pending(fitted, data)
                point = loop.get_next_points(context=context)[0]
        except Exception as error:  # emukit raises bare Exceptions on numerical errors
            return replace(self._initial(history, rng), note=error_note(error))
        share = self.fidelities.clip(float(point[-1]) / self.rows)
        note = transform_note(data.transform)
        return Suggestion(self.space.decode(point[:-1]), share, note)

    def recommend(self, history: History, rng: np.random.Generator) -> Config | None:
        best = history.best_seen
        data = training_data(history, self.space, transform=self.loss_transform)
        if finished(history) < self.initial_trials or data is None:
            return None if best is None else best.config
        try:
            mean = self._means_at_target(self._fit(data), data)
        except Exception:  # as in suggest
            mean = np.full(len(data.x), np.nan)
        if best is None or not np.isfinite(mean).all():
            return None if best is None else best.config
        return data.best(mean)

    def _initial(self, history: History, rng: np.random.Generator) -> Suggestion:
        shares, configs = self.initial_fidelities, self.initial_configs
        return initial_suggestion(
            history, self.space, self.fidelities, shares, rng, configs=configs
        )

    def _fitted_loop(self, data: TrainingData) -> Any:
        """Return emukit's loop with fitted models, a function of the data alone.

        Restarts draw from numpy's global random state, so it is seeded here and restored
        afterwards.
        """
        with quiet_gpy(), global_random(data.rng()):
            loop = self._loop(data)
            for updater in loop.model_updaters:
                updater.update(loop.loop_state)
        return loop

    def _loop(self, data: TrainingData) -> Any:
        """Return the example's loop on these data, with the options of this method."""
        from emukit.examples.fabolas import FabolasLoop
        from emukit.examples.fabolas.continuous_fidelity_entropy_search import (
            ContinuousFidelityEntropySearch,
        )

        from methods.references import emukit_pieces as pieces

        width = self.space.width
        # If only the target is offered, all sizes are the largest one, and any range will do.
        low = self.fidelities.low if self.fidelities.low < 1 else 1 / 512
        loop = FabolasLoop(
            space=pieces.cube(width),
            X_init=np.column_stack([data.x, data.s * self.rows]),
            Y_init=data.loss[:, None],
            cost_init=np.exp(data.log_cost),
            s_min=max(low * self.rows, 1.0),
            s_max=float(self.rows),
            num_eval_points=self.candidates,
            marginalize_hypers=False,
        )
        for updater in loop.model_updaters:
            updater.model.n_restarts = self.restarts
        calculator = loop.candidate_point_calculator
        calculator.acquisition.numerator = pieces.entropy_search(
            ContinuousFidelityEntropySearch,
            loop.model_updaters[0].model,
            calculator.acquisition_optimizer.space,
            max(self.representers, 2 * width),
            self.innovations,
            self.burn_in,
            self.sampler_steps,
        )
        return loop

    def _condition_on_pending(self, loop: Any, data: TrainingData) -> Any:
        """Return a copy of the loop whose loss model is conditioned on the pending trials."""
        if data.pending is None:
            return loop
        conditioned = self._loop(data)
        for fitted, other in zip(loop.model_updaters, conditioned.model_updaters, strict=True):
            other.model.model[:] = fitted.model.model.param_array
        model = conditioned.model_updaters[0].model
        x = np.column_stack([data.pending.x, data.pending.s * self.rows])
        finished_x = np.column_stack([data.x, data.s * self.rows])
        mean, _ = model.predict(x)
        model.set_data(np.vstack([finished_x, x]), np.vstack([data.loss[:, None], mean]))
        return conditioned

    def _means_at_target(self, loop: Any, data: TrainingData) -> Array:
        """Return predicted losses of the evaluated configs at the largest size, shape ``(n,)``."""
        x = np.column_stack([data.x, np.full(len(data.x), float(self.rows))])
        with quiet_gpy():
            mean, _ = loop.model_updaters[0].model.predict(x)
        return np.asarray(mean[:, 0])
