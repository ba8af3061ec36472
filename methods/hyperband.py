"""Hyperband: successive halving in several brackets (Li et al., JMLR 18(185), 2018)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.core.protocols import Method
from benchmarks.core.space import Config, Space
from benchmarks.core.trial import Fidelities, History, Suggestion, Trial
from methods.options import check_choice
from methods.rungs import Rung, announce_random_search, brackets, ladder, rank, single_rung

RULES = ("algorithm1", "table1")
INCUMBENTS = ("evaluation", "rung", "bracket")


class Hyperband(Method):
    """Successive halving in brackets that trade the number of configs against their data.

    Rounds of all brackets are repeated until the budget is spent. Whether a promoted config is
    retrained from the start or resumed is up to the task (``Fidelities.resumable``). Configs that
    failed, timed out or diverged are never promoted: a rung after too many of them has fewer trials
    than planned, and a bracket ends with a rung in which no trial succeeded. The note of a trial
    holds its ``bracket`` (counted over the run), ``rung`` and ``slot``.

    Where nothing can be halved (see ``ladder``), every config is trained in full, as by random
    search; a line on stderr says so.

    Synchronous, like Algorithm 1: with several workers the trials of a rung run in parallel, but
    the next rung or bracket starts only when all of them have finished. Until then ``suggest``
    returns None and workers idle; ``asha`` does not wait.
    """

    version = 2

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
            fidelities: fidelities of the task, from which the rungs are taken (see ``ladder``).
            eta: reduction factor, at least 2: one config in ``eta`` is promoted, with about ``eta``
                times the data.
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
        self.space, self.incumbent = space, incumbent
        rungs = ladder(fidelities, eta)
        self.brackets = brackets(rungs, eta, rule)
        if len(rungs) == 1:
            announce_random_search("hyperband", single_rung(fidelities, eta))

    def suggest(self, history: History, rng: np.random.Generator) -> Suggestion | None:
        bracket, rung, slot = self._next(history)
        if slot == 0 and history.running:
            return None
        if rung == 0:
            config: Config = self.space.sample(rng)
        else:
            below = _succeeded(history.trials, bracket, rung - 1)
            config = sorted(below, key=rank)[slot].config
        note = {"bracket": bracket, "rung": rung, "slot": slot}
        return Suggestion(config, self._plan(bracket)[rung].fidelity, note)

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
        rungs = self._plan(bracket)
        size = rungs[rung].configs
        if rung > 0:
            size = min(size, len(_succeeded(history.trials, bracket, rung - 1)))
        if slot + 1 < size:
            return bracket, rung, slot + 1
        if rung + 1 < len(rungs) and (history.running or _succeeded(history.trials, bracket, rung)):
            return bracket, rung + 1, 0
        return bracket + 1, 0, 0

    def _plan(self, bracket: int) -> list[Rung]:
        """Return the rungs of a bracket, counted over the run."""
        return self.brackets[bracket % len(self.brackets)]

    def _ended(self, trial: Trial, now: tuple[int, int]) -> bool:
        """Return True if the trial is of a rung (or bracket) before ``now``, a bracket and rung."""
        at = (trial.note["bracket"], trial.note["rung"])
        return at < now if self.incumbent == "rung" else at[0] < now[0]


def _succeeded(trials: Sequence[Trial], bracket: int, rung: int) -> list[Trial]:
    """Return the ok trials of one rung, latest first; stops at a trial of an earlier rung."""
    members = []
    for trial in reversed(trials):
        at = (trial.note["bracket"], trial.note["rung"])
        if at < (bracket, rung):
            break
        if at == (bracket, rung) and trial.status == "ok":
            members.append(trial)
    return members
