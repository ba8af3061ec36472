"""Rungs and brackets of successive halving, as Hyperband and ASHA use them."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.core.trial import Fidelities, Trial


class Rung(NamedTuple):
    """Rung of a bracket: ``configs`` configs, all trained at ``fidelity``."""

    configs: int
    fidelity: float


def ladder(fidelities: Fidelities, eta: int) -> list[float]:
    """Return the fidelities of the most exploratory bracket, strictly increasing to 1.

    On an interval they are the powers of ``1 / eta`` that it holds (Li et al. 2018). On a finite
    set they are the values nearest to such powers (by the logarithm), each once, and the lowest one
    is the cheapest value offered, in place of the power nearest to it.

    Args:
        fidelities: fidelities of the task.
        eta: reduction factor, at least 2.

    Returns:
        One fidelity a rung; 1 alone if nothing can be halved: the task offers the target only, or
        an interval that begins above ``1 / eta``.
    """
    low, values = fidelities.low, fidelities.values
    if values is None:
        # by repeated multiplication, because a rounded logarithm loses a rung at exact powers
        steps = 0
        while float(eta) ** (steps + 1) * low <= 1 + 1e-9:
            steps += 1
        return [max(low, float(eta) ** -step) for step in range(steps, -1, -1)]
    steps = round(math.log(1 / low, eta))
    above = {fidelities.clip(float(eta) ** -step) for step in range(steps)}
    return sorted({low, 1.0} | above)


def brackets(rungs: Sequence[float], eta: int, rule: str) -> list[list[Rung]]:
    """Return the brackets of one round, most exploratory first (Algorithm 1, lines 1 to 5).

    Bracket ``s_max`` has all rungs, and each later one begins a rung higher.

    Args:
        rungs: fidelities of the rungs, from ``ladder``; ``s_max`` is their number less 1.
        eta: reduction factor: one config in ``eta`` is promoted.
        rule: number of configs that bracket s starts with: ``algorithm1`` is line 4 of Algorithm 1,
            ``ceil((s_max + 1) / (s + 1) eta^s)``; ``table1`` reproduces the paper's Table 1,
            ``floor((s_max + 1) / (s + 1)) eta^s``, as in the authors' code and in RoBO.
    """
    count, plan = len(rungs), []
    for s in range(count - 1, -1, -1):
        if rule == "algorithm1":
            start = -(-count * eta**s // (s + 1))
        else:
            start = count // (s + 1) * eta**s
        shares = rungs[count - 1 - s :]
        plan.append([Rung(start // eta**i, share) for i, share in enumerate(shares)])
    return plan


def announce_random_search(method: str, reason: str) -> None:
    """Say in one line on stderr that a method has nothing to halve, because of ``reason``."""
    print(f"{method}: {reason}, so nothing is halved: this is random search", file=sys.stderr)


def single_rung(fidelities: Fidelities, eta: int) -> str:
    """Return why a ladder has a single rung, for ``announce_random_search``."""
    return f"no fidelity is 1/{eta} or less (the lowest on offer is {fidelities.low:g})"


def rank(trial: Trial) -> tuple[float, int]:
    """Sort key of finished trials: by loss, failed trials last, ties by number."""
    return trial.loss if trial.status == "ok" else math.inf, trial.number
