"""Data exchanged by methods, tasks and the runner: suggestions, observations, trials, history."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any, Literal, NoReturn

from benchmarks.core.space import Config

Status = Literal["ok", "failed", "timeout", "diverged", "running"]
STATUSES: tuple[Status, ...] = ("ok", "failed", "timeout", "diverged", "running")

Losses = tuple[tuple[float, float], ...]
"""(fidelity, loss) pairs of one training, the fidelities rising"""


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


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
            ValueError: they do not rise from above 0 to 1, nominal costs do not match them or are
                not positive, or the number of native units is not whole and positive.
        """
        values = (self.low,) if self.values is None else tuple(self.values)
        rising = all(map(_is_number, values)) and list(values) == sorted(set(values))
        if not values or not rising or not 0 < values[0] <= values[-1] <= 1:
            raise ValueError(f"fidelities must rise from above 0 to 1, got {self}")
        if self.values is not None and values[-1] != 1:
            raise ValueError(f"fidelities must rise from above 0 to 1, got {self}")
        if self.nominal is not None:
            if len(self.nominal) != len(self.values or ()):
                raise ValueError(f"there must be one nominal cost for each fidelity, got {self}")
            if not all(_is_number(cost) and cost > 0 for cost in self.nominal):
                raise ValueError(f"nominal costs must be positive numbers, got {self}")
        if not isinstance(self.full, Integral) or isinstance(self.full, bool) or self.full < 1:
            raise ValueError(f"full={self.full}: must be a whole number of units, 1 or more")
        object.__setattr__(self, "low", values[0])

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
    curve: Losses = ()
    """validation losses of the same training on the way to its fidelity, which the cost has paid
    for: above the fidelity from which it was resumed, below the one that was asked for. Only of
    tasks whose trainings can be resumed"""


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
    curve: Losses = ()
    """as in ``Observation``: losses on the way from the resumed fidelity to this one"""


Best = tuple[Trial | None, Trial | None]
"""the ok trials with the lowest loss: at any fidelity, and at the target"""


class History:
    """All trials so far, including running ones, sorted by number; immutable: assigning raises.

    The number of a trial is its index. A running trial has status ``running``; its loss and cost
    are NaN.
    """

    trials: tuple[Trial, ...]
    loss_floor: float
    _best: Best
    __slots__ = ("_best", "loss_floor", "trials")

    def __init__(self, trials: Sequence[Trial] = (), loss_floor: float = 0.0) -> None:
        """Create a history; ``loss_floor`` is that of the task."""
        best: Best = (None, None)
        for trial in trials:
            best = _better(best, trial)
        self._fill(tuple(trials), loss_floor, best)

    def _fill(self, trials: tuple[Trial, ...], loss_floor: float, best: Best) -> None:
        object.__setattr__(self, "trials", trials)
        object.__setattr__(self, "loss_floor", loss_floor)
        object.__setattr__(self, "_best", best)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        """Refuse: a method that changes what it is shown would change the run."""
        raise AttributeError(f"a history is read-only: {name} cannot be set")

    def __reduce__(self) -> tuple[type[History], tuple[tuple[Trial, ...], float]]:
        """Copy and pickle by the constructor, since attributes cannot be set."""
        return History, (self.trials, self.loss_floor)

    @property
    def running(self) -> tuple[Trial, ...]:
        """Trials that have not ended."""
        return tuple(trial for trial in self.trials if trial.status == "running")

    def append(self, trial: Trial) -> History:
        """Return a history with ``trial`` appended; incumbents are updated incrementally."""
        return self._with((*self.trials, trial), trial)

    def end(self, trial: Trial) -> History:
        """Return a history in which ``trial`` replaces the running trial of the same number."""
        rest = self.trials[trial.number + 1 :]
        return self._with((*self.trials[: trial.number], trial, *rest), trial)

    def _with(self, trials: tuple[Trial, ...], new: Trial) -> History:
        history = History.__new__(History)
        history._fill(trials, self.loss_floor, _better(self._best, new))
        return history

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


def _better(best: Best, trial: Trial) -> Best:
    anywhere, at_target = best
    if trial.status == "ok":
        rank = (trial.loss, trial.number)  # trials may end in any order
        if anywhere is None or rank < (anywhere.loss, anywhere.number):
            anywhere = trial
        if trial.fidelity == 1 and (at_target is None or rank < (at_target.loss, at_target.number)):
            at_target = trial
    return anywhere, at_target
