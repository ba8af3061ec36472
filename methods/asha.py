"""ASHA: asynchronous successive halving (Li et al., MLSys 2020).

"A System for Massively Parallel Hyperparameter Tuning", Algorithm 2.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from benchmarks.core.protocols import Method
from benchmarks.core.space import Config, Space
from benchmarks.core.trial import Fidelities, History, Suggestion, Trial
from methods.rungs import announce_random_search, brackets, ladder, rank, single_rung

ALL = "all"
"""value of ``bracket`` that runs all brackets in turn"""


class ASHA(Method):
    """Asynchronous Hyperband: rungs never close, and promotions never wait for a rung to fill.

    Among the ``n`` finished trials of a rung, each of the best ``floor(n / eta)`` is promoted once,
    highest rung first, then lowest loss. If there is nothing to promote, a new uniform config
    enters the lowest rung. A rung may promote more than one config in ``eta``, because a promotion
    stands even if better configs finish later. Trials that failed, timed out or diverged count in
    their rung, rank last, and are never promoted: a rung in which none succeeded promotes nothing,
    and new configs enter. Whether a promoted config is retrained from the start or resumed is up to
    the task (``Fidelities.resumable``).

    The note of a trial holds its ``bracket`` (0 explores most), its ``rung``, and the number of the
    trial that it ``promotes`` (None in the lowest rung). The incumbent is the config with the
    lowest loss observed so far, at any fidelity. Where there is one rung, every config is trained
    in full, as by random search; a line on stderr says so.

    Args:
        space: search space of the task.
        fidelities: fidelities of the task, from which the rungs are taken (see ``ladder``), as by
            ``hyperband``.
        eta: reduction factor, at least 2: one config in ``eta`` is promoted, with about ``eta``
            times the data.
        bracket: ``all`` for asynchronous Hyperband: the brackets take turns, and a turn ends when
            its trials add up to the training of one synchronous bracket (rule ``table1``); rungs
            are kept from turn to turn. Or the number of a single bracket: ASHA itself.

    Raises:
        ValueError: if an option is out of range.
    """

    version = 2

    def __init__(
        self,
        space: Space,
        fidelities: Fidelities,
        *,
        eta: int = 3,
        bracket: int | str = ALL,
    ) -> None:
        if not isinstance(eta, int) or eta < 2:
            raise ValueError(f"method.eta={eta}: must be a whole number, 2 or more")
        self.space, self.eta = space, eta
        plan = brackets(ladder(fidelities, eta), eta, "table1")
        self.rungs = [[rung.fidelity for rung in rungs] for rungs in plan]
        """fidelities of the rungs of each bracket"""
        self.turns = [sum(rung.configs * rung.fidelity for rung in rungs) for rungs in plan]
        """amount of training in a turn of each bracket, in full trainings"""
        numbers: Collection[int | str] = (ALL, *range(len(plan)))
        if bracket not in numbers or isinstance(bracket, bool):
            raise ValueError(
                f"method.bracket={bracket}: allowed are {', '.join(map(str, numbers))}"
                " (the task's fidelities and eta determine their number)"
            )
        self.bracket = bracket
        if len(plan) == 1:
            announce_random_search("asha", single_rung(fidelities, eta))
        elif bracket == len(plan) - 1:
            announce_random_search("asha", f"bracket {bracket} has full trainings only")

    def suggest(self, history: History, rng: np.random.Generator) -> Suggestion:
        bracket = self._turn(history) if isinstance(self.bracket, str) else self.bracket
        rungs = self.rungs[bracket]
        members = [trial for trial in history if trial.note.get("bracket") == bracket]
        promoted = {trial.note.get("promotes") for trial in members}
        for rung in reversed(range(len(rungs) - 1)):
            for trial in self._best(members, rung):
                if trial.number not in promoted:
                    promotion = {"bracket": bracket, "rung": rung + 1, "promotes": trial.number}
                    return Suggestion(trial.config, rungs[rung + 1], promotion)
        note = {"bracket": bracket, "rung": 0, "promotes": None}
        return Suggestion(self.space.sample(rng), rungs[0], note)

    def recommend(self, history: History, rng: np.random.Generator) -> Config | None:
        return None if history.best_seen is None else history.best_seen.config

    def _best(self, members: list[Trial], rung: int) -> list[Trial]:
        """Return the trials of a rung that may be promoted, best first."""
        finished = [t for t in members if t.note.get("rung") == rung and t.status != "running"]
        best = sorted(finished, key=rank)[: len(finished) // self.eta]
        return [trial for trial in best if trial.status == "ok"]

    def _turn(self, history: History) -> int:
        """Return the bracket of the next trial: the current bracket until its turn is over."""
        current, trained = 0, 0.0
        for latest, trial in enumerate(reversed(history.trials)):
            bracket = trial.note.get("bracket", 0)
            if latest and bracket != current:
                break
            current, trained = bracket, trained + trial.fidelity
        if trained < self.turns[current] - 1e-9:
            return int(current)
        return (int(current) + 1) % len(self.turns)
