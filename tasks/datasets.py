"""Load the data sets: download and cache them, or read them from a folder; verify their hashes.

A data folder (``task.data_dir`` or the environment variable ``UNTUNABLE_DATA``) holds
``<name>.npz`` files. Downloads are cached in the same format, so the cache is a data folder, too.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.core.arrays import Rows
from benchmarks.core.space import nearest
from tasks.subsets import stratified_order

ENVIRONMENT_VARIABLE = "UNTUNABLE_DATA"


class DataError(ValueError):
    """A data set is not available or not as expected; the message is one line."""


@dataclass(frozen=True)
class Dataset:
    """A data set and its splits, as row numbers of ``X`` and ``y``."""

    X: NDArray[np.float64]
    """features, shape ``(rows, columns)``: as published, except that pixels are divided by 256
    (MNIST) or 255 (Fashion-MNIST)"""
    y: NDArray[np.int64]
    """labels, shape ``(rows,)``"""
    train: Rows
    validation: Rows
    test: Rows
    resampled: bool
    """True if each subset seed also redraws the training and validation rows (not the test rows)"""
    sha256: str
    """hash of content and splits; part of a task's identity"""

    def split(self, seed: int) -> tuple[Rows, Rows]:
        """Return the training and validation rows for subset seed ``seed``."""
        if not self.resampled:
            return self.train, self.validation
        pool = np.concatenate([self.train, self.validation])
        order = pool[stratified_order(self.y[pool], np.random.default_rng([seed, 1]))]
        return order[: len(self.train)], order[len(self.train) :]


@dataclass(frozen=True)
class _Source:
    file: str
    fetch: Callable[[], dict[str, NDArray[Any]]]
    """downloads the arrays of the file and returns them"""
    sha256: str | None
    """pinned hash of the raw arrays; None if this project never had the file to hash"""
    shape: tuple[int, int]
    """shape of the features; always checked"""


def load(name: str, data_dir: str | None = None) -> Dataset:
    """Load a data set by name (``mnist``, ``covertype_sample``, ``covertype_openml180``,
    ``fashion_mnist``, ``letter``, ``vehicle_statlog``, ``vehicle_sensit``).

    Raises:
        DataError: unknown name, file missing while offline, or content that does not match the
            pinned hash.
    """
    if name not in _SPLITS:
        raise DataError(f"unknown data set {name!r}{nearest(name, list(_SPLITS))}")
    source_name, split = _SPLITS[name]
    X, y, sha256 = _raw(_SOURCES[source_name], data_dir)
    train, validation, test = split(X, y)
    digest = hashlib.sha256(sha256.encode())
    for part in (train, validation, test):
        digest.update(np.ascontiguousarray(part, dtype="<i8").tobytes())
    used = np.unique(np.concatenate([train, validation, test]))  # sorted; the splits index it
    train, validation, test = (np.searchsorted(used, part) for part in (train, validation, test))
    features = X[used].astype(float)
    if name == "mnist":
        features /= 256  # as the paper's code scales pixels
    elif name == "fashion_mnist":
        features /= 255
    resampled = name == "vehicle_statlog"
    return Dataset(features, y[used], train, validation, test, resampled, digest.hexdigest())


def cache_folder() -> Path:
    """Return the folder in which downloads and computed features are cached."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "untunable"


def data_folder(data_dir: str | None) -> Path | None:
    """Return the data folder set as an option or in the environment; None if neither is set."""
    folder = data_dir or os.environ.get(ENVIRONMENT_VARIABLE)
    return Path(folder).expanduser() if folder else None


def content_sha256(X: NDArray[Any], y: NDArray[Any]) -> str:
    """Hash arrays by value: shapes, then little-endian float32 features and int64 labels."""
    digest = hashlib.sha256(repr((X.shape, y.shape)).encode())
    digest.update(np.ascontiguousarray(X, dtype="<f4").tobytes())
    digest.update(np.ascontiguousarray(y, dtype="<i8").tobytes())
    return digest.hexdigest()


def _raw(source: _Source, data_dir: str | None) -> tuple[NDArray[Any], NDArray[np.int64], str]:
    path, arrays = _read_or_fetch(source, data_dir)
    wanted = {"X_train", "y_train", "X_test", "y_test"} if "X_train" in arrays else {"X", "y"}
    if not wanted <= set(arrays):
        raise DataError(f"{path} has no arrays {', '.join(sorted(wanted - set(arrays)))}")
    if "X_train" in arrays:  # MNIST keeps its official split: training images first
        X = np.concatenate([arrays["X_train"], arrays["X_test"]])
        y = _numbered(np.concatenate([arrays["y_train"], arrays["y_test"]]))
    else:
        X, y = arrays["X"], _numbered(arrays["y"])
    X = X.reshape(len(X), -1)
    if (*X.shape, *y.shape) != (*source.shape, source.shape[0]):
        raise DataError(
            f"{path}: expected {source.shape} values, found {X.shape} and {y.shape} labels"
        )
    if source.file in ("vehicle_statlog.npz", "letter.npz"):
        # Public sources hold the same rows in different orders: sort them, so that hashes agree.
        order = np.lexsort([y, *X.T[::-1]])
        X, y = X[order], y[order]
    sha256 = content_sha256(X, y)
    if source.sha256 is not None and sha256 != source.sha256:
        raise DataError(
            f"{path}: content hash {sha256[:12]} is not the pinned {source.sha256[:12]}; "
            "delete the file to fetch it again"
        )
    return X, y, sha256


def _numbered(labels: NDArray[Any]) -> NDArray[np.int64]:
    """Return labels as integers; class names are numbered from 0 in alphabetical order."""
    if labels.dtype.kind in "US":
        labels = np.unique(labels, return_inverse=True)[1]
    return labels.astype(np.int64)


def _read_or_fetch(source: _Source, data_dir: str | None) -> tuple[Path, dict[str, NDArray[Any]]]:
    folder = data_folder(data_dir)
    if folder is not None:
        path = folder / source.file
        if not path.is_file():
            raise DataError(f"no file {source.file} in the data folder {folder}")
    else:
        path = cache_folder() / source.file
        if not path.is_file():
            arrays = _fetch(source)
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".npz")
            try:
                with os.fdopen(handle, "wb") as new:
                    np.savez_compressed(new, **arrays)  # type: ignore[arg-type]
                os.replace(temporary, path)  # atomic: two processes may fetch at once
            except BaseException:
                os.unlink(temporary)
                raise
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            names = ("X_train", "y_train", "X_test", "y_test", "X", "y")
            return path, {key: stored[key] for key in names if key in stored.files}
    except (OSError, EOFError, ValueError, AttributeError, TypeError) as error:
        raise DataError(f"{path} is not a readable npz file ({error})") from error
    except (zipfile.BadZipFile, zlib.error, RuntimeError) as error:
        raise DataError(f"{path} is truncated or damaged ({error})") from error


def _fetch(source: _Source) -> dict[str, NDArray[Any]]:
    try:
        return source.fetch()
    except Exception as error:
        # scikit-learn's fetchers may raise any exception of the network stack.
        raise DataError(
            f"could not download {source.file} ({type(error).__name__}); offline? set "
            f"task.data_dir=FOLDER or {ENVIRONMENT_VARIABLE}=FOLDER to a folder holding it"
        ) from error


def _openml(data_id: int) -> Callable[[], dict[str, NDArray[Any]]]:
    def fetch() -> dict[str, NDArray[Any]]:
        from sklearn.datasets import fetch_openml

        bunch = fetch_openml(data_id=data_id, as_frame=False, parser="liac-arff")
        X = bunch.data.toarray() if hasattr(bunch.data, "toarray") else bunch.data
        y = np.unique(bunch.target.astype(str), return_inverse=True)[1]
        return {"X": np.asarray(X, dtype=np.float32), "y": y}

    return fetch


def _openml_digits(data_id: int) -> Callable[[], dict[str, NDArray[Any]]]:
    """Return the fetcher of a data set in MNIST's format: 60,000 training, 10,000 test images."""

    def fetch() -> dict[str, NDArray[Any]]:
        arrays = _openml(data_id)()
        X, y = arrays["X"].astype(np.uint8), arrays["y"].astype(np.uint8)
        parts = {"X_train": X[:60000], "y_train": y[:60000]}
        return {**parts, "X_test": X[60000:], "y_test": y[60000:]}

    return fetch


def _fetch_covertype() -> dict[str, NDArray[Any]]:
    from sklearn.datasets import fetch_covtype

    bunch = fetch_covtype()
    return {"X": bunch.data.astype(np.int16), "y": bunch.target.astype(np.uint8)}


_MNIST = "7a55bd65cc6d379155c062a8c5a185635929f8e11007730544dbd14853dd54ac"
_COVERTYPE = "24397371b40cf6612ae019c184157c3bfebd14c97fc655a128f9ed056ea30caa"
_FASHION_MNIST = "0ac42ec188f149104d76072c444b55a16737d078c4fe0b9f344d8ce7154031cd"
_LETTER = "7485929f7e4fb97762d25a2bd93d95c6e0b6d8605958b112f5cfa3c7b9acaccb"
_STATLOG = "7d4ae15d7c485c8928471ad3b56f792f09d66e296f1e2c8752c69dd690e33897"

_SOURCES = {
    "mnist": _Source("mnist.npz", _openml_digits(554), _MNIST, (70000, 784)),
    "covertype": _Source("covertype.npz", _fetch_covertype, _COVERTYPE, (581012, 54)),
    "covertype_openml180": _Source("covertype_openml180.npz", _openml(180), None, (110393, 54)),
    "fashion_mnist": _Source(
        "fashion_mnist.npz", _openml_digits(40996), _FASHION_MNIST, (70000, 784)
    ),
    "letter": _Source("letter.npz", _openml(6), _LETTER, (20000, 16)),
    "vehicle_statlog": _Source("vehicle_statlog.npz", _openml(54), _STATLOG, (846, 18)),
    "vehicle_sensit": _Source("vehicle_sensit.npz", _openml(357), None, (98528, 100)),
}


def _split_mnist(X: NDArray[Any], y: NDArray[np.int64]) -> tuple[Rows, Rows, Rows]:
    del X, y
    return np.arange(50000), np.arange(50000, 60000), np.arange(60000, 70000)


def _split_fashion_mnist(X: NDArray[Any], y: NDArray[np.int64]) -> tuple[Rows, Rows, Rows]:
    """Split the official training images: 10,000 for validation, the others for training.

    Both parts are stratified, and so is every prefix of the training rows.
    """
    del X
    order = stratified_order(y[:60000], np.random.default_rng(0))
    return order[10000:], order[:10000], np.arange(60000, 70000)


def _cut(order: Rows, train: int, validation: int) -> tuple[Rows, Rows, Rows]:
    return np.split(order, [train, train + validation])  # type: ignore[return-value]


def _stratified_split(
    train: int, validation: int, test: int
) -> Callable[[NDArray[Any], NDArray[np.int64]], tuple[Rows, Rows, Rows]]:
    """Return a function that draws a fixed stratified sample and splits it into three parts."""

    def split(X: NDArray[Any], y: NDArray[np.int64]) -> tuple[Rows, Rows, Rows]:
        del X
        rng = np.random.default_rng(0)
        sample = stratified_order(y, rng)[: train + validation + test]
        return _cut(sample[stratified_order(y[sample], rng)], train, validation)

    return split


# Split sizes of the paper's code (robo, Klein et al. 2017): MNIST 50k/10k/10k; Covertype and
# Vehicle as in OpenML tasks 2118 and 75191, with a third of the training part for validation.
# Letter is not in the paper.
_SPLITS: dict[
    str, tuple[str, Callable[[NDArray[Any], NDArray[np.int64]], tuple[Rows, Rows, Rows]]]
] = {
    "mnist": ("mnist", _split_mnist),
    "covertype_sample": ("covertype", _stratified_split(49555, 24408, 36430)),
    "covertype_openml180": ("covertype_openml180", _stratified_split(49555, 24408, 36430)),
    "fashion_mnist": ("fashion_mnist", _split_fashion_mnist),
    "letter": ("letter", _stratified_split(14000, 3000, 3000)),
    "vehicle_statlog": ("vehicle_statlog", _stratified_split(423, 211, 212)),
    "vehicle_sensit": ("vehicle_sensit", _stratified_split(44229, 21785, 32514)),
}
