"""Hyperband: successive halving in several brackets (Li et al., JMLR 18(185), 2018)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.core.protocols import Method
from benchmarks.core.space import Config, Space
from benchmarks.core.trial import Fidelities, History, Suggestion, Trial
from methods.options import check_choice

RULES = ("algorithm1", "table1")
INCUMBENTS = ("evaluation", "rung", "bracket")


class Rung(NamedTuple):
    """Rung of a bracket: ``configs`` configs, all trained at ``fidelity``."""

    configs: int
    fidelity: float


def brackets(low: float, eta: int, rule: str) -> list[list[Rung]]:
    """Return the brackets of one round, most explorative first (Algorithm 1, lines 1 to 5).

    Args:
        low: smallest fidelity allowed, in (0, 1].
        eta: reduction factor: one config in ``eta`` is promoted, with ``eta`` times the data.
        rule: number of configs that bracket s starts with: ``algorithm1`` is line 4 of Algorithm 1,
            ``ceil((s_max + 1) / (s + 1) eta^s)``; ``table1`` reproduces the paper's Table 1,
            ``floor((s_max + 1) / (s + 1)) eta^s``, as in the authors' code and in RoBO.

    Returns:
        ``s_max + 1`` brackets, each a list of rungs. ``s_max`` is found by repeated multiplication,
        because a rounded logarithm loses a rung at exact powers of ``eta``.
    """
    s_max = 0
    while float(eta) ** (s_max + 1) * low <= 1 + 1e-9:
        s_max += 1
    plan = []
    for s in range(s_max, -1, -1):
        if rule == "algorithm1":
            start = -(-(s_max + 1) * eta**s // (s + 1))
        else:
            start = (s_max + 1) // (s + 1) * eta**s
        rungs = [Rung(start // eta**i, max(low, float(eta) ** (i - s))) for i in range(s + 1)]
        plan.append(rungs)
    return plan


class Hyperband(Method):
    """Successive halving in brackets that trade the number of configs against their data.

    Rounds of all brackets are repeated until the budget is spent. Whether a promoted config is
    retrained from the start or resumed is up to the task (``Fidelities.resumable``). Failed trials
    rank last. The note of a trial holds its ``bracket`` (counted over the run), ``rung`` and
    ``slot``.

    Synchronous, like Algorithm 1: with several workers the trials of a rung run in parallel, but
    the next rung or bracket starts only when all of them have finished. Until then ``suggest``
    returns None and workers idle; ``asha`` does not wait.
    """

    version = 1

    def __init__(
        self,
        space: Space,
        fidelities: Fidelities,
        *,
        eta: int = 3,
        rule: str = "table1",
        incumbent: str = "evaluation",
    ) -> None:
        """Plan the brackets.

        Args:
            space: search space of the task.
            fidelities: fidelities of the task. The lowest rung uses the smallest power of
                ``1 / eta`` that is at least ``fidelities.low``; rungs are clipped to the fidelities
                offered.
            eta: see ``brackets``; at least 2.
            rule: ``algorithm1`` or ``table1``, see ``brackets``.
            incumbent: when the config with the lowest loss so far (last line of Algorithm 1)
                becomes the incumbent: after every ``evaluation``, or only when its ``rung`` or its
                ``bracket`` has finished. The two published curves differ only in this.

        Raises:
            ValueError: if an option is out of range.
        """
        if not isinstance(eta, int) or eta < 2:
            raise ValueError(f"method.eta={eta}: must be a whole number, 2 or more")
        check_choice("rule", rule, RULES)
        check_choice("incumbent", incumbent, INCUMBENTS)
        self.space, self.fidelities = space, fidelities
        self.eta, self.incumbent = eta, incumbent
        self.brackets = brackets(fidelities.low, eta, rule)

    def suggest(self, history: History, rng: np.random.Generator) -> Suggestion | None:
        bracket, rung, slot = self._next(history)
        if slot == 0 and history.running:
            return None
        plan = self.brackets[bracket % len(self.brackets)][rung]
        if rung == 0:
            config: Config = self.space.sample(rng)
        else:
            below = _rung(history.trials, bracket, rung - 1)
            ranked = sorted(below, key=rank)
            config = ranked[slot].config
        note = {"bracket": bracket, "rung": rung, "slot": slot}
        return Suggestion(config, self.fidelities.clip(plan.fidelity), note)

    def recommend(self, history: History, rng: np.random.Generator) -> Config | None:
        if self.incumbent == "evaluation":
            return None if history.best_seen is None else history.best_seen.config
        if not history.trials:
            return None
        running = [(t.note["bracket"], t.note["rung"]) for t in history.running]
        now = min(running, default=self._next(history)[:2])
        counted = [t for t in history if t.status == "ok" and self._ended(t, now)]
        return min(counted, key=lambda trial: trial.loss).config if counted else None

    def _next(self, history: History) -> tuple[int, int, int]:
        """Return bracket, rung and slot of the next trial, derived from those of the last."""
        if not history.trials:
            return 0, 0, 0
        note = history.trials[-1].note
        bracket, rung, slot = note["bracket"], note["rung"], note["slot"]
        rungs = self.brackets[bracket % len(self.brackets)]
        if slot + 1 < rungs[rung].configs:
            return bracket, rung, slot + 1
        if rung + 1 < len(rungs):
            return bracket, rung + 1, 0
        return bracket + 1, 0, 0

    def _ended(self, trial: Trial, now: tuple[int, int]) -> bool:
        """Return True if the trial is of a rung (or bracket) before ``now``, a bracket and rung."""
        at = (trial.note["bracket"], trial.note["rung"])
        return at < now if self.incumbent == "rung" else at[0] < now[0]


def _rung(trials: Sequence[Trial], bracket: int, rung: int) -> list[Trial]:
    """Return the trials of one rung, latest first; stops at the first trial of an earlier rung."""
    members = []
    for trial in reversed(trials):
        at = (trial.note["bracket"], trial.note["rung"])
        if at < (bracket, rung):
            break
        if at == (bracket, rung):
            members.append(trial)
    return members


def rank(trial: Trial) -> tuple[float, int]:
    """Sort key of finished trials: by loss, failed trials last, ties by number."""
    return trial.loss if trial.status == "ok" else math.inf, trial.number
