"""Split the photos of Stanford Cars by the official protocol or the talk's."""

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
    """Row numbers of photos in three disjoint parts, each sorted."""

    train: Rows
    validation: Rows
    test: Rows
    """empty in the talk's protocol"""
    dropped: int
    """number of official training photos left out because they are also test photos"""


def split_photos(
    labels: NDArray[np.int64],
    is_test: NDArray[np.bool_],
    contents: Sequence[Hashable],
    protocol: str = "official",
    seed: int = 0,
) -> Split:
    """Split photos into training, validation and test.

    ``official``: the official test photos are the test part. Per class, floor(20 %) of the official
    training photos (at least one, if there are two) are for validation, the others for training.
    Byte-identical photos never end up in different parts: training photos that are also test photos
    are dropped, and identical training photos stay together, counted once, in the class of the
    first.

    ``talk``: the official split is ignored and there is no test part. Per class, floor(20 %) are
    for validation, the others for training, as in the talk's code, which shuffles without a seed.
    As there, identical photos may be in both parts, mostly under different labels.

    Args:
        labels: classes, shape ``(n,)``.
        is_test: True for official test photos, shape ``(n,)``.
        contents: one value per photo, equal for byte-identical photos; length ``n``.
        protocol: one of ``PROTOCOLS``.
        seed: seed of the draw of the validation photos.

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
    """Return a split with a fixed random share of the training photos of each class.

    Args:
        split: the split to reduce; validation and test stay the same.
        labels: classes of all photos, shape ``(n,)``.
        share: share to keep, in (0, 1]; at least one photo per class is kept.
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
    """Split groups per class into training and validation rows; groups stay together.

    A class of two groups or more gets at least ``least`` groups for validation.
    """
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
