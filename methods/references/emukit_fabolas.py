"""Fabolas as emukit 0.5.1 ships it (``emukit.examples.fabolas``), its defects included."""

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
from methods.models.training_data import TRANSFORMS, Latest, Targets, finished, read_targets
from methods.options import check_choice, check_counts, check_shares
from methods.references.emukit_entropy import note_of
from methods.references.global_random import global_random
from methods.references.gpy_ei import quiet_gpy

SHARES = tuple(2.0**-i for i in range(9, 1, -1))
"""the example's sizes, ``s_max // 2**i``, as shares of the full training"""


class EmukitFabolas(Method):
    """A published example as it is: what a user of that library gets who asks it for Fabolas.

    Emukit's ``FabolasLoop`` with ``marginalize_hypers=False`` (a maximum a posteriori fit) chooses
    config and subset size. It is not a faithful Fabolas; compare ``method=fabolas``. Known defects,
    none of them mended here:

    * The posterior covariance between two points is computed from sizes that were not rescaled
      (``FabolasModel.get_covariance_between_points`` transforms its inputs and passes the raw
      ones), so what an evaluation would tell about the representers is meaningless.
    * ``FabolasModel.get_f_minimum`` projects rescaled sizes to the raw largest one. Nothing calls
      it; the representers' expected improvement is over the lowest loss seen at any size.
    * The gradient of the kernel's ``b`` is a matrix product where an elementwise one is due, so
      the fit stops short.
    * The loss, like the cost, is linear in the scaled logarithm of the size; the paper's quadratic
      basis is defined and never used.
    * Loss and cost are neither centred nor scaled, all kernel parameters have a Uniform(0, 5)
      prior, and the cost is modelled as it is, in seconds. Predicted costs below 1e-4, negative
      ones too, count as 1e-4: the gain there is divided by almost nothing.
    * Any error while data are set exchanges the kernel for another one, without a word.
    * Negative covariances between representers are raised to 1e-10, the imagined evaluation has no
      noise, and candidates are uniform in the size, with no refinement.
    * It names no incumbent at the target, and it appends its size to the caller's space.

    Different here, because a method of this suite has no memory and works on any space: configs are
    points of the unit cube, where the prior leaves long length scales possible that it excludes on
    wider ranges (integers and categories are decoded from the winner); the initial design is
    ``methods.bayesian.initial_design``'s, not a Latin hypercube; every fit starts from
    the same hyperparameters, not from those before it.

    Recommends by a rule of ours: the evaluated config with the lowest mean of its own model at the
    target; before there is a model, the one with the lowest loss at any size. Where emukit raises,
    the suggestion is a further one of the initial design, and its note ``emukit_error`` says why.

    Emukit has no running trials. Here its loss model is given each of them with the mean that it
    predicts (kriging believer), before the next point is looked for.

    Where only the target is offered, the size is fixed there, by emukit's own ``context``; of a
    finite set of fidelities, the nearest is taken.

    Args:
        space: the task's configs.
        fidelities: the task's fidelities.
        initial_trials: size of the initial design.
        initial_fidelities: shares of the full training that it cycles through, as in the example;
            smaller ones than the task offers are raised.
        initial_configs: ``sobol``, one space-filling set, or ``random``, uniform.
        rows: size that stands for the target. The example counts rows and rounds them to whole
            ones, so shares are multiplied by this; 50,000 is its own (MNIST).
        restarts: starting points of either fit.
        representers: points at the target among which the minimiser is looked for; two a
            coordinate of the unit cube at least. The work grows with their cube.
        innovations: quantiles of the imagined loss over which the gain is averaged.
        burn_in: steps of the representers' sampler (emcee) that are thrown away.
        sampler_steps: its steps after those.
        candidates: uniform configs and sizes at which the gain per cost is computed.
        loss_transform: ``log`` models the logarithm of the loss, as all methods here do so that
            they can be compared, ``none`` the loss itself, as the example does.

    Raises:
        ValueError: an option outside what is allowed.
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
        self._fit = Latest(self._fitted_loop)

    def suggest(self, history: History, rng: np.random.Generator) -> Suggestion:
        targets = read_targets(history, self.space, transform=self.loss_transform)
        if len(history) < self.initial_trials or targets is None:
            return self._initial(history, rng)
        context = {"s": float(self.rows)} if self.fidelities.low == 1 else {}
        try:
            fitted = self._fit(targets)
            with quiet_gpy(), global_random(rng):
                loop = self._believing(fitted, targets)
                point = loop.get_next_points(context=context)[0]
        except Exception as error:  # emukit raises bare ones when numbers go wrong
            return replace(self._initial(history, rng), note=note_of(error))
        share = self.fidelities.clip(float(point[-1]) / self.rows)
        return Suggestion(self.space.decode(point[:-1]), share)

    def recommend(self, history: History, rng: np.random.Generator) -> Config | None:
        seen = history.best_seen
        targets = read_targets(history, self.space, transform=self.loss_transform)
        if finished(history) < self.initial_trials or targets is None:
            return None if seen is None else seen.config
        try:
            mean = self._means_at_target(self._fit(targets), targets)
        except Exception:  # as above
            mean = np.full(len(targets.x), np.nan)
        if seen is None or not np.isfinite(mean).all():
            return None if seen is None else seen.config
        return targets.best(mean)

    def _initial(self, history: History, rng: np.random.Generator) -> Suggestion:
        shares, configs = self.initial_fidelities, self.initial_configs
        return initial_suggestion(
            history, self.space, self.fidelities, shares, rng, configs=configs
        )

    def _fitted_loop(self, targets: Targets) -> Any:
        """Emukit's loop, its models fitted: a function of the data alone.

        Restarts draw from numpy's global state, hence the fence.
        """
        with quiet_gpy(), global_random(targets.rng()):
            loop = self._loop(targets)
            for updater in loop.model_updaters:
                updater.update(loop.loop_state)
        return loop

    def _loop(self, targets: Targets) -> Any:
        """The example's loop over these targets, with this method's numbers in place of its own."""
        from emukit.examples.fabolas import FabolasLoop
        from emukit.examples.fabolas.continuous_fidelity_entropy_search import (
            ContinuousFidelityEntropySearch,
        )

        from methods.references import emukit_pieces as pieces

        width = self.space.width
        # Any range does if only the target is offered: all sizes are the largest one then.
        low = self.fidelities.low if self.fidelities.low < 1 else 1 / 512
        loop = FabolasLoop(
            space=pieces.cube(width),
            X_init=np.column_stack([targets.x, targets.s * self.rows]),
            Y_init=targets.loss[:, None],
            cost_init=np.exp(targets.log_cost),
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

    def _believing(self, loop: Any, targets: Targets) -> Any:
        """A loop like this one, its loss model given the running trials, too."""
        if targets.pending is None:
            return loop
        given = self._loop(targets)
        for fitted, other in zip(loop.model_updaters, given.model_updaters, strict=True):
            other.model.model[:] = fitted.model.model.param_array
        model = given.model_updaters[0].model
        x = np.column_stack([targets.pending.x, targets.pending.s * self.rows])
        finished_x = np.column_stack([targets.x, targets.s * self.rows])
        mean, _ = model.predict(x)
        model.set_data(np.vstack([finished_x, x]), np.vstack([targets.loss[:, None], mean]))
        return given

    def _means_at_target(self, loop: Any, targets: Targets) -> Array:
        """Predicted losses of the evaluated configs at the largest size, shape ``(n,)``."""
        x = np.column_stack([targets.x, np.full(len(targets.x), float(self.rows))])
        with quiet_gpy():
            mean, _ = loop.model_updaters[0].model.predict(x)
        return np.asarray(mean[:, 0])
