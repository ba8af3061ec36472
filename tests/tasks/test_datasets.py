from __future__ import annotations

import dataclasses
import io
import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks import datasets as data

SIZES = {
    "mnist": (50000, 10000, 10000),
    "covertype_sample": (49555, 24408, 36430),
    "fashion_mnist": (50000, 10000, 10000),
    "letter": (14000, 3000, 3000),
    "vehicle_statlog": (423, 211, 212),
}
Arrays = dict[str, NDArray[Any]]


def one_line(error: pytest.ExceptionInfo[data.DataError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def check_splits(loaded: data.Dataset, sizes: tuple[int, int, int]) -> None:
    parts = (loaded.train, loaded.validation, loaded.test)
    assert tuple(map(len, parts)) == sizes
    assert len(loaded.X) == len(loaded.y) == sum(sizes)
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(sum(sizes)))


@pytest.mark.parametrize("name", SIZES)
def test_splits_are_disjoint_stratified_and_of_known_sizes(name: str, data_dir: str) -> None:
    loaded = data.load(name, data_dir)
    check_splits(loaded, SIZES[name])
    if name == "mnist":
        assert loaded.X.max() == 255 / 256
        return
    for part in (loaded.train, loaded.validation, loaded.test):  # stratified
        shares = np.bincount(loaded.y[part]) / len(part) - np.bincount(loaded.y) / len(loaded.y)
        assert np.abs(shares).max() < 2 / len(part)


def test_mnist_keeps_the_official_order(data_dir: str) -> None:
    loaded = data.load("mnist", data_dir)
    with np.load(Path(data_dir) / "mnist.npz") as stored:
        np.testing.assert_array_equal(loaded.y[loaded.test], stored["y_test"])
        np.testing.assert_array_equal(loaded.y[loaded.validation], stored["y_train"][50000:])
        first = stored["X_test"][0].ravel() / 256
    np.testing.assert_array_equal(loaded.X[loaded.test[0]], first)


def test_letters_are_numbered_in_the_order_of_the_alphabet(data_dir: str) -> None:
    loaded = data.load("letter", data_dir)
    with np.load(Path(data_dir) / "letter.npz") as stored:
        counts = np.unique(stored["y"], return_counts=True)[1]
    np.testing.assert_array_equal(np.bincount(loaded.y), counts)


def test_prefixes_of_fashion_mnists_training_rows_are_stratified(data_dir: str) -> None:
    loaded = data.load("fashion_mnist", data_dir)
    assert np.bincount(loaded.y[loaded.train[:10000]]).tolist() == [1000] * 10
    assert loaded.X.max() == 1.0
    with np.load(Path(data_dir) / "fashion_mnist.npz") as stored:
        np.testing.assert_array_equal(loaded.y[loaded.test], stored["y_test"])


def test_statlog_resamples_train_and_validation_by_seed_and_never_test(data_dir: str) -> None:
    loaded = data.load("vehicle_statlog", data_dir)
    drawn = [loaded.split(seed) for seed in range(5)]
    for train, validation in drawn:
        assert (len(train), len(validation)) == (423, 211)
        everything = np.concatenate([train, validation, loaded.test])
        np.testing.assert_array_equal(np.sort(everything), np.arange(846))
    assert len({tuple(np.sort(validation)) for _, validation in drawn}) == 5
    for again, first in zip(loaded.split(3), drawn[3], strict=True):
        np.testing.assert_array_equal(again, first)


@pytest.mark.parametrize("name", ["vehicle_statlog", "letter"])
def test_some_sets_are_the_same_whatever_the_order_of_the_files_rows(
    name: str, data_dir: str, tmp_path: Path
) -> None:
    with np.load(Path(data_dir) / f"{name}.npz") as stored:
        order = np.random.default_rng(0).permutation(len(stored["y"]))
        np.savez(tmp_path / f"{name}.npz", X=stored["X"][order], y=stored["y"][order])
    ours, theirs = (data.load(name, str(d)) for d in (data_dir, tmp_path))
    assert ours.sha256 == theirs.sha256
    np.testing.assert_array_equal(ours.X, theirs.X)
    np.testing.assert_array_equal(ours.test, theirs.test)


def test_mnist_and_sensit_have_one_fixed_split(sensit_dir: str) -> None:
    loaded = data.load("vehicle_sensit", sensit_dir)
    check_splits(loaded, (44229, 21785, 32514))
    train, validation = loaded.split(7)
    np.testing.assert_array_equal(train, loaded.train)
    np.testing.assert_array_equal(validation, loaded.validation)


def test_an_unpinned_files_content_is_part_of_the_hash(sensit_dir: str, tmp_path: Path) -> None:
    with np.load(Path(sensit_dir) / "vehicle_sensit.npz") as stored:
        X, y = stored["X"], stored["y"]
    X[98527, 99] += 1
    np.savez(tmp_path / "vehicle_sensit.npz", X=X, y=y)
    one, other = (data.load("vehicle_sensit", str(d)) for d in (sensit_dir, tmp_path))
    assert one.sha256 != other.sha256


def test_content_other_than_pinned_is_refused(data_dir: str, tmp_path: Path) -> None:
    with np.load(Path(data_dir) / "vehicle_statlog.npz") as stored:
        X, y = stored["X"].copy(), stored["y"]
    X[17, 3] += 1
    np.savez(tmp_path / "vehicle_statlog.npz", X=X, y=y)
    with pytest.raises(data.DataError) as error:
        data.load("vehicle_statlog", str(tmp_path))
    assert "pinned" in one_line(error)
    assert str(tmp_path / "vehicle_statlog.npz") in one_line(error)


def npz(**arrays: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def npy(array: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


GOOD = npz(X=np.zeros((846, 18)), y=np.zeros(846))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not a readable npz file"),
        (b"<html>404</html>", "not a readable npz file"),
        (npy(np.zeros(3)), "not a readable npz file"),
        (GOOD[:-30], "truncated or damaged"),
        (GOOD[:100] + bytes(40) + GOOD[140:], "damaged"),
        (npz(images=np.zeros(3)), "has no arrays X, y"),
        (npz(X_train=np.zeros(3)), "has no arrays X_test, y_test, y_train"),
        (npz(X=np.zeros((846, 17)), y=np.zeros(846)), "expected"),
        (npz(X=np.zeros((846, 18)), y=np.zeros(845)), "expected"),
    ],
    ids=["empty", "html", "npy", "cut", "overwritten", "foreign", "half", "columns", "labels"],
)
def test_a_file_that_is_not_the_data_set_gives_one_clear_line(
    content: bytes, says: str, tmp_path: Path
) -> None:
    (tmp_path / "vehicle_statlog.npz").write_bytes(content)
    with pytest.raises(data.DataError) as error:
        data.load("vehicle_statlog", str(tmp_path))
    assert says in one_line(error)
    assert "vehicle_statlog.npz" in one_line(error)


def test_a_missing_file_gives_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(data.DataError) as error:
        data.load("covertype_sample", str(tmp_path))
    assert "covertype.npz" in one_line(error)
    assert str(tmp_path) in one_line(error)


def test_an_unknown_name_gives_the_nearest() -> None:
    with pytest.raises(data.DataError) as error:
        data.load("vehicle_statlag")
    assert "did you mean 'vehicle_statlog'" in one_line(error)


def test_the_environment_variable_names_the_folder(
    sensit_dir: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(data.ENVIRONMENT_VARIABLE, sensit_dir)
    assert len(data.load("vehicle_sensit").X) == 98528


@pytest.fixture
def fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Replace the download of a source (the network is not ours); returns the calls made."""
    monkeypatch.delenv(data.ENVIRONMENT_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def install(name: str, answer: Arrays | Exception) -> list[str]:
        calls: list[str] = []

        def fetch() -> Arrays:
            calls.append(name)
            if isinstance(answer, Exception):
                raise answer
            return answer

        source = dataclasses.replace(data._SOURCES[name], fetch=fetch)
        monkeypatch.setitem(data._SOURCES, name, source)
        return calls

    return install


def test_offline_without_a_folder_one_line_says_what_to_set(
    fetched: Callable[..., list[str]], tmp_path: Path
) -> None:
    fetched("mnist", urllib.error.URLError("no route"))
    with pytest.raises(data.DataError) as error:
        data.load("mnist")
    for word in ("mnist.npz", "task.data_dir", "UNTUNABLE_DATA", "URLError"):
        assert word in one_line(error)
    assert not list(tmp_path.rglob("*.npz"))


def test_what_was_fetched_is_cached_as_a_data_folder_and_not_fetched_again(
    fetched: Callable[..., list[str]], tmp_path: Path, sensit_dir: str
) -> None:
    with np.load(Path(sensit_dir) / "vehicle_sensit.npz") as stored:
        arrays = {"X": np.zeros_like(stored["X"]), "y": stored["y"]}
    calls = fetched("vehicle_sensit", arrays)
    first, second = data.load("vehicle_sensit"), data.load("vehicle_sensit")
    assert calls == ["vehicle_sensit"]
    cache = tmp_path / "untunable"
    assert [path.name for path in cache.iterdir()] == ["vehicle_sensit.npz"]
    as_folder = data.load("vehicle_sensit", str(cache))
    assert first.sha256 == second.sha256 == as_folder.sha256


def test_a_cache_that_cannot_be_written_leaves_no_half_file(
    fetched: Callable[..., list[str]], tmp_path: Path
) -> None:
    class Broken:
        def __array__(self, *_: object, **__: object) -> NDArray[Any]:
            raise MemoryError("while writing")

    fetched("vehicle_sensit", {"X": np.zeros(3), "y": Broken()})
    with pytest.raises(MemoryError):
        data.load("vehicle_sensit")
    assert not list((tmp_path / "untunable").iterdir())
