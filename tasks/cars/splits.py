"""Which photos of Stanford Cars train, validate and test: by the official split, or the talk's."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.core.arrays import Rows
from benchmarks.core.space import check_choice

PROTOCOLS = ("official", "talk")


@dataclass(frozen=True)
class Split:
    """Row numbers of photos, in three disjoint parts, each sorted."""

    train: Rows
    validation: Rows
    test: Rows
    """empty with the talk's protocol"""
    dropped: int
    """official training photos in no part, being test photos too"""


def split_photos(
    labels: NDArray[np.int64],
    is_test: NDArray[np.bool_],
    contents: Sequence[Hashable],
    protocol: str = "official",
    seed: int = 0,
) -> Split:
    """Deal photos out to training, validation and test.

    ``official``: the official test photos test. Of the official training photos, per class,
    floor(20 %) validate, but at least one of two, and the others train. No photo is in two
    parts under two names: training photos that are also test photos are dropped, and equal
    training photos stay together, counting as one of the class of the first.

    ``talk``: the official split is ignored and nothing tests; per class, floor(20 %) validate and
    the others train, as in the talk's code, which shuffles without a seed. As
    there, equal photos may both train and validate, mostly under different labels.

    Args:
        labels: classes, shape ``(n,)``.
        is_test: the official split, shape ``(n,)``.
        contents: one value a photo, equal for byte-identical photos; length ``n``.
        protocol: one of ``PROTOCOLS``.
        seed: fixes which photos of a class validate.

    Raises:
        ValueError: unknown protocol.
    """
    check_choice("task.protocol", protocol, PROTOCOLS)
    rng = np.random.default_rng(seed)
    if protocol == "talk":
        train, validation = _deal([[row] for row in range(len(labels))], labels, 0, rng)
        return Split(train, validation, _rows([]), 0)
    test, pool = np.flatnonzero(is_test).tolist(), np.flatnonzero(~is_test).tolist()
    tested = {contents[row] for row in test}
    equal: dict[Hashable, list[int]] = {}
    for row in pool:
        if contents[row] not in tested:
            equal.setdefault(contents[row], []).append(row)
    train, validation = _deal(list(equal.values()), labels, 1, rng)
    return Split(train, validation, _rows(test), len(pool) - len(train) - len(validation))


def with_fewer(split: Split, labels: NDArray[np.int64], share: float) -> Split:
    """Keep a share of the training photos of each class, at least one, always the same ones.

    Args:
        split: whose training photos are thinned out.
        labels: classes of all photos, shape ``(n,)``.
        share: in (0, 1].
    """
    rng = np.random.default_rng(0)
    kept: list[int] = []
    for label in np.unique(labels[split.train]):
        rows = rng.permutation(split.train[labels[split.train] == label])
        kept += rows[: max(1, round(share * len(rows)))].tolist()
    return replace(split, train=_rows(kept))


def _deal(
    groups: Sequence[Sequence[int]], labels: NDArray[np.int64], least: int, rng: np.random.Generator
) -> tuple[Rows, Rows]:
    """Training and validation rows, groups kept together; at least ``least`` of two validate."""
    classes = labels[np.array([group[0] for group in groups], dtype=np.int64)]
    train: list[int] = []
    validation: list[int] = []
    for label in np.unique(classes):
        order = rng.permutation(np.flatnonzero(classes == label))
        cut = max(len(order) // 5, least) if len(order) > 1 else 0
        validation += [row for number in order[:cut] for row in groups[number]]
        train += [row for number in order[cut:] for row in groups[number]]
    return _rows(train), _rows(validation)


def _rows(rows: Sequence[int]) -> Rows:
    return np.sort(np.asarray(rows, dtype=np.int64))
