"""Which fidelities a method with a finite set of them chooses among."""

from __future__ import annotations

import math
from collections.abc import Sequence

from benchmarks.core.trial import Fidelities
from methods.options import check_shares

NEAR = 0.1
"""how far, in logarithms, an offered fidelity may be from the one asked for"""


def snap_fidelities(values: Sequence[float], fidelities: Fidelities) -> tuple[float, ...]:
    """The fidelities that a method with a finite set of them chooses among.

    Args:
        values: shares of the full training, rising, the last one 1. Where the task offers a finite
            set (whole epochs), the nearest of it stands for one less than a tenth away.
        fidelities: the task's; if they are the target alone, so is the answer.

    Raises:
        ValueError: they do not rise to 1, or the task does not offer one of them.
    """
    check_shares(fidelity_values=values)
    if list(values) != sorted(set(values)) or values[-1] != 1:
        raise ValueError(f"method.fidelity_values={values}: must rise, and end in 1")
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
