"""Stratified, nested orders of rows: every prefix is a fair sample of the whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def stratified_order(y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Order the rows so that every prefix has the classes in their shares, to within a row or so.

    The j-th row of a class of m rows joins at ``(j + 1/2) / m``. With k classes, the count of one
    with share p is within ``1/2 + p (k - 2) / 2`` of its quota: about a row (a rare class may be
    absent from a short prefix). Plain largest
    remainders, computed afresh for each length, are not nested (the Alabama paradox: a class can
    lose a row when the subset grows); this divisor form is (Balinski & Young 1982, ch. 3).

    Args:
        y: labels, shape ``(n,)``.
        rng: fixes which rows of a class come first.

    Returns:
        Row numbers, shape ``(n,)``; the subset of size k is the first k of them.
    """
    shuffled = rng.permutation(len(y))
    labels = y[shuffled]
    joins = np.empty(len(y))
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        joins[rows] = (np.arange(len(rows)) + 0.5) / len(rows)
    return shuffled[np.argsort(joins, kind="stable")]
