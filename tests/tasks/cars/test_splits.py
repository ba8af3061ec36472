from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.cars.photos import Photos, load_photos
from tasks.cars.splits import PROTOCOLS, Split, split_photos

LABELS = np.repeat(np.arange(4), [20, 14, 5, 3])
TRAINING = np.zeros(len(LABELS), dtype=bool)


def parts(split: Split) -> list[list[int]]:
    return [part.tolist() for part in (split.train, split.validation, split.test)]


def check(split: Split, count: int) -> None:
    """The parts are int64, sorted, disjoint and, with those dropped, everything."""
    for part in (split.train, split.validation, split.test):
        assert part.dtype == np.int64
        assert (np.diff(part) > 0).all()
    dealt = [row for part in parts(split) for row in part]
    assert len(dealt) == len(set(dealt)) == count - split.dropped
    assert set(dealt) <= set(range(count))


def test_official_test_photos_test_and_of_the_others_a_fifth_of_each_class_validates() -> None:
    labels = np.tile(LABELS, 2)
    is_test = np.arange(len(labels)) >= len(LABELS)
    split = split_photos(labels, is_test, range(len(labels)))
    check(split, len(labels))
    np.testing.assert_array_equal(split.test, np.flatnonzero(is_test))
    # floor(20 %), but one of three
    np.testing.assert_array_equal(np.bincount(labels[split.validation]), [4, 2, 1, 1])
    assert split.dropped == 0


def test_the_talk_ignores_the_official_split_and_takes_a_plain_floor() -> None:
    labels = np.tile(LABELS, 2)
    is_test = np.arange(len(labels)) >= len(LABELS)
    split = split_photos(labels, is_test, range(len(labels)), "talk")
    check(split, len(labels))
    assert split.test.shape == (0,)
    np.testing.assert_array_equal(np.bincount(labels[split.validation]), [8, 5, 2, 1])
    three = split_photos(np.zeros(3, dtype=int), np.zeros(3, dtype=bool), range(3), "talk")
    assert parts(three) == [[0, 1, 2], [], []]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_seed_fixes_the_split(protocol: str) -> None:
    def drawn(seed: int) -> list[list[int]]:
        return parts(split_photos(LABELS, TRAINING, range(len(LABELS)), protocol, seed))

    assert drawn(3) == drawn(3)
    assert len({tuple(drawn(seed)[1]) for seed in range(5)}) == 5
    assert drawn(0) == parts(split_photos(LABELS, TRAINING, range(len(LABELS)), protocol))


def test_a_training_photo_that_is_a_test_photo_too_is_dropped() -> None:
    # rows 0 and 1 are test photo 5, whatever it is labelled
    contents = ["a", "a", "b", "c", "d", "a"]
    is_test = np.array([False] * 5 + [True])
    split = split_photos(np.array([0, 1, 0, 0, 0, 2]), is_test, contents)
    check(split, 6)
    assert split.dropped == 2
    assert not {0, 1} & set(parts(split)[0] + parts(split)[1])
    assert parts(split)[2] == [5]


def test_equal_training_photos_count_once_in_the_class_of_the_first() -> None:
    # five of class 0, the last of them also as rows 5 and 6 under classes 0 and 1
    labels = np.array([0, 0, 0, 0, 0, 0, 1])
    seen = set()
    for seed in range(40):
        split = split_photos(
            labels, np.zeros(7, dtype=bool), [0, 1, 2, 3, 4, 4, 4], "official", seed
        )
        check(split, 7)
        seen.add(tuple(split.validation))
    assert seen == {(0,), (1,), (2,), (3,), (4, 5, 6)}


def test_a_class_of_one_distinct_photo_trains() -> None:
    split = split_photos(np.zeros(3, dtype=int), np.zeros(3, dtype=bool), "aaa")
    assert parts(split) == [[0, 1, 2], [], []]


def test_no_training_photos_give_empty_parts() -> None:
    split = split_photos(np.zeros(2, dtype=int), np.ones(2, dtype=bool), "ab")
    assert parts(split) == [[], [], [0, 1]]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.integers(0, 12)), max_size=40),
    st.integers(0, 10),
)
def test_no_content_is_in_two_parts(photos: list[tuple[int, bool, int]], seed: int) -> None:
    labels = np.array([p[0] for p in photos], dtype=np.int64)
    is_test = np.array([p[1] for p in photos], dtype=bool)
    contents = [p[2] for p in photos]
    split = split_photos(labels, is_test, contents, "official", seed)
    check(split, len(photos))
    train, validation, test = ({contents[row] for row in part} for part in parts(split))
    assert not train & validation
    assert not train & test
    assert not validation & test
    assert train | validation | test == set(contents)


def test_an_unknown_protocol_gives_one_clear_line() -> None:
    with pytest.raises(
        ValueError, match=r"^task\.protocol=offical: allowed are official, talk"
    ) as e:
        split_photos(LABELS, TRAINING, range(len(LABELS)), "offical")
    assert "did you mean 'official'" in str(e.value)


@pytest.fixture(scope="module")
def real(data_dir: str) -> Photos:
    path = Path(data_dir) / "stanford_cars_64px.npz"
    if not path.is_file():
        pytest.skip(f"no real photos: {path} is missing")
    return load_photos(str(path))


def test_the_real_duplicates_never_straddle(real: Photos) -> None:
    labels, is_test = real.labels, real.is_test
    split = split_photos(labels, is_test, real.contents)
    check(split, 16185)
    assert split.dropped == 19
    np.testing.assert_array_equal(split.test, np.flatnonzero(is_test))
    train, validation, test = ({real.contents[row] for row in part} for part in parts(split))
    assert not train & validation
    assert not (train | validation) & test
    # of the distinct photos of a class, a fifth; 11 more rows are a second one's
    assert len(train) + len(validation) == 8144 - 19 - 11
    shares = np.bincount(labels[split.validation]) / np.bincount(
        labels[np.concatenate([split.train, split.validation])]
    )
    assert 0.15 < shares.min() < shares.max() < 0.25


def test_the_real_photos_dealt_as_in_the_talk(real: Photos) -> None:
    split = split_photos(real.labels, real.is_test, real.contents, "talk")
    check(split, 16185)
    of_class = np.bincount(real.labels)
    np.testing.assert_array_equal(np.bincount(real.labels[split.validation]), of_class // 5)
    train, validation = ({real.contents[row] for row in part} for part in parts(split)[:2])
    assert train & validation  # the talk's own leak, kept
