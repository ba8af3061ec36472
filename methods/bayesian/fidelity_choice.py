"""Snap the fidelities of a method to those that the task offers."""

from __future__ import annotations

import math
from collections.abc import Sequence

from benchmarks.core.trial import Fidelities
from methods.options import check_shares

NEAR = 0.1
"""largest difference in log fidelity between a fidelity and the one it is snapped to"""


def snap_fidelities(values: Sequence[float], fidelities: Fidelities) -> tuple[float, ...]:
    """Return the fidelities that a method with a finite set of them uses on a task.

    Args:
        values: shares of the full training, ascending, the last one 1. On a task with a finite set
            of fidelities (whole epochs), each is replaced by the nearest one of that set, if the
            two differ by less than a tenth.
        fidelities: fidelities of the task.

    Returns:
        The snapped shares; ``(1.0,)`` if the task offers only the target fidelity.

    Raises:
        ValueError: if ``values`` do not ascend to 1, or the task does not offer one of them.
    """
    check_shares(fidelity_values=values)
    if list(values) != sorted(set(values)) or values[-1] != 1:
        raise ValueError(f"method.fidelity_values={values}: must be ascending and end with 1")
    if fidelities.low == 1:
        return (1.0,)
    snapped = []
    for value in values:
        nearest = fidelities.clip(value) if fidelities.values is not None else float(value)
        if abs(math.log(nearest / value)) > NEAR:
            nearest = float(value)
        try:
            fidelities.check(nearest)
        except ValueError as error:
            raise ValueError(f"method.fidelity_values={values}: the task has no {error}") from None
        snapped.append(nearest)
    return tuple(snapped)
