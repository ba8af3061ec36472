"""Data exchanged by methods, tasks and the runner: suggestions, observations, trials, history."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from benchmarks.core.space import Config

Status = Literal["ok", "failed", "timeout", "diverged", "running"]
STATUSES: tuple[Status, ...] = ("ok", "failed", "timeout", "diverged", "running")


@dataclass(frozen=True)
class Fidelities:
    """The fidelities that a task offers, as shares ``s`` of the full training.

    They are the interval ``[low, 1]`` or, if ``values`` is set, a finite set. The target fidelity
    is 1, the full training.
    """

    low: float = 1.0
    """smallest share, in (0, 1]; if ``values`` is set, replaced by the first of them"""
    values: tuple[float, ...] | None = None
    """allowed shares in ascending order, the last one 1; None allows all of [low, 1]"""
    full: int = 1
    """number of native units at the target fidelity, e.g. 50,000 training rows"""
    unit: str = "full trainings"
    """name of the native units, in the plural, e.g. ``training rows``"""
    resumable: bool = False
    """True if training a config can resume from a lower fidelity, at the cost of the difference"""
    nominal: tuple[float, ...] | None = None
    """nominal cost of each of ``values``, in full trainings; None if the task defines none. Methods
    may sample fidelities by it (the talk's Multitask does); a trial's ``cost`` is measured"""

    def __post_init__(self) -> None:
        """Check the fidelities.

        Raises:
            ValueError: they do not rise from above 0 to 1, or nominal costs do not match them.
        """
        low = self.values[0] if self.values else self.low
        rising = self.values is None or list(self.values) == sorted(set(self.values))
        if not 0 < low <= 1 or not rising or (self.values and self.values[-1] != 1):
            raise ValueError(f"fidelities must rise from above 0 to 1, got {self}")
        if self.nominal is not None and len(self.nominal) != len(self.values or ()):
            raise ValueError(f"there must be one nominal cost for each fidelity, got {self}")
        object.__setattr__(self, "low", low)

    def native(self, s: float) -> int:
        """Convert share ``s`` to native units, rounded, at least 1."""
        return max(1, round(s * self.full))

    def nominal_cost(self, s: float) -> float | None:
        """Return the nominal cost of fidelity ``s``, in full trainings; None without nominal costs.

        Raises:
            ValueError: ``s`` is not one of ``values``.
        """
        if self.nominal is None or self.values is None:
            return None
        return self.nominal[self.values.index(s)]

    def check(self, s: float) -> None:
        """Raise a one-line ``ValueError`` unless fidelity ``s`` is offered."""
        if self.values is not None:
            if s not in self.values:
                raise ValueError(f"fidelity {s}: allowed are {list(self.values)}")
        elif not self.low <= s <= 1:
            raise ValueError(f"fidelity {s}: allowed is [{self.low:g}, 1]")

    def clip(self, s: float) -> float:
        """Return the offered fidelity nearest to ``s`` (in a finite set, by the logarithm)."""
        if self.values is None:
            return min(max(s, self.low), 1.0)
        return min(self.values, key=lambda v: abs(math.log(v / s)))


@dataclass(frozen=True)
class Suggestion:
    """An evaluation requested by a method; its JSON-able ``note`` is kept in the history."""

    config: Config
    fidelity: float = 1.0
    note: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Observation:
    """The result of one evaluation."""

    loss: float
    """loss to minimise (validation error on the real tasks); NaN unless status is ``ok``"""
    cost: float
    """cost charged to the budget, seconds"""
    status: Status = "ok"
    test_loss: float | None = None
    """test loss of the same fitted model, None if not measured; never shown to a method"""
    info: Mapping[str, Any] = field(default_factory=dict)
    """further values for the trace (wall time, subset seed, error message)"""


@dataclass(frozen=True)
class Truth:
    """What is true of a config at the target fidelity, outside any budget; None if not known."""

    loss: float | None = None
    test_loss: float | None = None
    cost: float | None = None
    """mean cost of training the config from the start up to the target fidelity, seconds"""


@dataclass(frozen=True)
class Trial:
    """One evaluation as methods see it: without its test loss."""

    number: int
    config: Config
    fidelity: float
    loss: float
    cost: float
    status: Status
    note: Mapping[str, Any] = field(default_factory=dict)
    overhead: float = 0.0
    """CPU seconds that the method took for the suggestion; a clock reading, so a method whose
    suggestions depend on it is not ``reproducible``"""


class History:
    """All trials so far, including running ones, sorted by number; immutable.

    The number of a trial is its index. A running trial has status ``running``; its loss and cost
    are NaN.
    """

    __slots__ = ("_best", "loss_floor", "trials")

    def __init__(self, trials: Sequence[Trial] = (), loss_floor: float = 0.0) -> None:
        """Create a history; ``loss_floor`` is that of the task."""
        self.trials: tuple[Trial, ...] = tuple(trials)
        self.loss_floor = loss_floor
        self._best: tuple[Trial | None, Trial | None] = (None, None)
        for trial in self.trials:
            self._best = _better(self._best, trial)

    @property
    def running(self) -> tuple[Trial, ...]:
        """Trials that have not ended."""
        return tuple(trial for trial in self.trials if trial.status == "running")

    def append(self, trial: Trial) -> History:
        """Return a history with ``trial`` appended; incumbents are updated incrementally."""
        longer = History((), self.loss_floor)
        longer.trials = (*self.trials, trial)
        longer._best = _better(self._best, trial)
        return longer

    def end(self, trial: Trial) -> History:
        """Return a history in which ``trial`` replaces the running trial of the same number."""
        ended = History((), self.loss_floor)
        ended.trials = (*self.trials[: trial.number], trial, *self.trials[trial.number + 1 :])
        ended._best = _better(self._best, trial)
        return ended

    @property
    def best_seen(self) -> Trial | None:
        """Ok trial with the lowest loss at any fidelity, the first on ties; None without one."""
        return self._best[0]

    @property
    def best_at_target(self) -> Trial | None:
        """Ok trial with the lowest loss at fidelity 1, the first on ties; None without one."""
        return self._best[1]

    def __len__(self) -> int:
        return len(self.trials)

    def __iter__(self) -> Iterator[Trial]:
        return iter(self.trials)


def _better(
    best: tuple[Trial | None, Trial | None], trial: Trial
) -> tuple[Trial | None, Trial | None]:
    anywhere, at_target = best
    if trial.status == "ok":
        rank = (trial.loss, trial.number)  # trials may end in any order
        if anywhere is None or rank < (anywhere.loss, anywhere.number):
            anywhere = trial
        if trial.fidelity == 1 and (at_target is None or rank < (at_target.loss, at_target.number)):
            at_target = trial
    return anywhere, at_target
