"""Stratified orders of rows, whose prefixes are nested and stratified subsets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def stratified_order(y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return an order of the rows in which every prefix is stratified, to within about one row.

    Row j (from 0) of a class of m rows is sorted at ``(j + 1/2) / m``. With k classes, the count of
    a class with share p differs from its quota by at most ``1/2 + p (k - 2) / 2``, so a rare class
    may be absent from a short prefix. Subsets by largest remainder, computed for each length
    separately, would not be nested (Alabama paradox: a class can lose a row when the subset grows);
    this divisor method gives nested subsets (Balinski & Young 1982, ch. 3).

    Args:
        y: labels, shape ``(n,)``.
        rng: shuffles the rows of each class.

    Returns:
        Row numbers, shape ``(n,)``; the subset of size k consists of the first k.
    """
    shuffled = rng.permutation(len(y))
    labels = y[shuffled]
    joins = np.empty(len(y))
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        joins[rows] = (np.arange(len(rows)) + 0.5) / len(rows)
    return shuffled[np.argsort(joins, kind="stable")]
