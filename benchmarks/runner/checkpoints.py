"""Find the trial whose training a suggestion resumes."""

from __future__ import annotations

from collections.abc import Hashable

from benchmarks.core.space import Config
from benchmarks.core.trial import History, Suggestion


class Checkpoints:
    """The trials of each config of a run.

    A run of n trials would otherwise compare n^2 / 2 configs.
    """

    def __init__(self) -> None:
        self._numbers: dict[Hashable, list[int]] = {}
        self._known = 0

    def of(self, suggestion: Suggestion, history: History) -> tuple[int, float]:
        """Return the trial and the fidelity from which the suggested config's training is resumed.

        The trial is the first ok one of the config, whose random stream all its trainings use; if
        there is none, it is the trial to come. The fidelity is the highest one reached below the
        suggested fidelity; 0 if there is none.

        Args:
            suggestion: what is evaluated next.
            history: all trials so far: those of the previous call, and more.
        """
        for trial in history.trials[self._known :]:
            self._numbers.setdefault(_key(trial.config), []).append(trial.number)
        self._known = len(history)
        same = [history.trials[n] for n in self._numbers.get(_key(suggestion.config), ())]
        earlier = [trial for trial in same if trial.status == "ok"]
        reached = [t.fidelity for t in earlier if t.fidelity < suggestion.fidelity]
        first = earlier[0].number if earlier else len(history)
        return first, max(reached, default=0.0)


def _key(config: Config) -> Hashable:
    """Return what equal configs have in common, in whatever order their values are."""
    return frozenset(config.items())
