"""What passes between methods, tasks and the runner: suggestions, observations, trials, history."""

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
    """The fidelities a task offers: shares ``s`` of the full training, 1 being the target.

    A continuous interval ``[low, 1]``, or a finite set if ``values`` is given.
    """

    low: float = 1.0
    """smallest share, in (0, 1]"""
    values: tuple[float, ...] | None = None
    """the allowed shares in rising order, the last one 1; None means all of [low, 1]"""
    full: int = 1
    """native units at the target, e.g. 50,000 training rows"""
    unit: str = "full trainings"
    """what the native units are"""
    resumable: bool = False
    """True if a config can be continued from a lower fidelity, paying only the difference"""
    nominal: tuple[float, ...] | None = None
    """what each of ``values`` is said to cost, in full trainings; None if nothing is said. For
    methods that draw fidelities by it (the talk's Multitask): what counts is the measured cost."""

    def __post_init__(self) -> None:
        low = self.values[0] if self.values else self.low
        rising = self.values is None or list(self.values) == sorted(set(self.values))
        if not 0 < low <= 1 or not rising or (self.values and self.values[-1] != 1):
            raise ValueError(f"fidelities must rise from above 0 to 1, got {self}")
        if self.nominal is not None and len(self.nominal) != len(self.values or ()):
            raise ValueError(f"one nominal cost for each of the fidelities is needed, got {self}")
        object.__setattr__(self, "low", low)

    def native(self, s: float) -> int:
        """Native units of share ``s`` (at least 1)."""
        return max(1, round(s * self.full))

    def nominal_cost(self, s: float) -> float | None:
        """What ``s`` is said to cost, in full trainings; None if nothing is said."""
        if self.nominal is None or self.values is None:
            return None
        return self.nominal[self.values.index(s)]

    def check(self, s: float) -> None:
        """Raise ``ValueError`` with one clear line unless ``s`` is offered."""
        if self.values is not None:
            if s not in self.values:
                raise ValueError(f"fidelity {s}: allowed are {list(self.values)}")
        elif not self.low <= s <= 1:
            raise ValueError(f"fidelity {s}: allowed is [{self.low:g}, 1]")

    def clip(self, s: float) -> float:
        """The nearest offered share (nearest in the logarithm for a finite set)."""
        if self.values is None:
            return min(max(s, self.low), 1.0)
        return min(self.values, key=lambda v: abs(math.log(v / s)))


@dataclass(frozen=True)
class Suggestion:
    """What a method wants evaluated. ``note`` is JSON-able and comes back in the history."""

    config: Config
    fidelity: float = 1.0
    note: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Observation:
    """The outcome of one evaluation."""

    loss: float
    """what is minimised (validation error for the real tasks); NaN unless status is ``ok``"""
    cost: float
    """what the evaluation is charged, in seconds"""
    status: Status = "ok"
    test_loss: float | None = None
    """loss of the same fitted model on the test split, where measured; never seen by a method"""
    info: Mapping[str, Any] = field(default_factory=dict)
    """anything else worth a column in the trace (wall time, subset seed, error message)"""


@dataclass(frozen=True)
class Truth:
    """What a task knows of a config at the target, outside any budget; None where not known."""

    loss: float | None = None
    test_loss: float | None = None


@dataclass(frozen=True)
class Trial:
    """One evaluation: config, fidelity, loss, cost, status. What a method may know of it."""

    number: int
    config: Config
    fidelity: float
    loss: float
    cost: float
    status: Status
    note: Mapping[str, Any] = field(default_factory=dict)
    overhead: float = 0.0
    """CPU seconds the method took to suggest it; a clock reading, not to be relied on"""


class History:
    """The trials so far, in order of their numbers, running ones included. Immutable.

    A trial's number is its place. A running trial has status ``running``, NaN for loss and cost.
    """

    __slots__ = ("_best", "loss_floor", "trials")

    def __init__(self, trials: Sequence[Trial] = (), loss_floor: float = 0.0) -> None:
        """``loss_floor`` is the smallest loss that means anything on the task, for logarithms."""
        self.trials: tuple[Trial, ...] = tuple(trials)
        self.loss_floor = loss_floor
        self._best: tuple[Trial | None, Trial | None] = (None, None)
        for trial in self.trials:
            self._best = _better(self._best, trial)

    @property
    def running(self) -> tuple[Trial, ...]:
        """The trials that have not ended."""
        return tuple(trial for trial in self.trials if trial.status == "running")

    def append(self, trial: Trial) -> History:
        """A history with one more trial; the incumbents are carried on, not searched again."""
        longer = History((), self.loss_floor)
        longer.trials = (*self.trials, trial)
        longer._best = _better(self._best, trial)
        return longer

    def end(self, trial: Trial) -> History:
        """A history in which the running trial of that number has ended so."""
        ended = History((), self.loss_floor)
        ended.trials = (*self.trials[: trial.number], trial, *self.trials[trial.number + 1 :])
        ended._best = _better(self._best, trial)
        return ended

    @property
    def best_seen(self) -> Trial | None:
        """The ok trial with the lowest loss at any fidelity, the first on ties."""
        return self._best[0]

    @property
    def best_at_target(self) -> Trial | None:
        """The ok trial with the lowest loss at fidelity 1, the first on ties; None before one."""
        return self._best[1]

    def __len__(self) -> int:
        return len(self.trials)

    def __iter__(self) -> Iterator[Trial]:
        return iter(self.trials)


def _better(
    best: tuple[Trial | None, Trial | None], trial: Trial
) -> tuple[Trial | None, Trial | None]:
    seen, at_target = best
    if trial.status == "ok":
        rank = (trial.loss, trial.number)  # they may end in another order
        if seen is None or rank < (seen.loss, seen.number):
            seen = trial
        if trial.fidelity == 1 and (at_target is None or rank < (at_target.loss, at_target.number)):
            at_target = trial
    return seen, at_target
