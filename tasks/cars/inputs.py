"""Inputs of the networks for Stanford Cars: photos, or features from a frozen backbone.

Features are computed once and cached; the cache key is a hash of photos, weights and image size.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.core.arrays import Rows
from tasks.cars.networks import Backbone
from tasks.cars.photos import Photos
from tasks.datasets import DataError, cache_folder

AT_ONCE = 64
"""batch size when features are computed, in photos"""


class Features:
    """Precomputed features; they are never augmented."""

    def __init__(self, features: NDArray[np.floating], device: torch.device) -> None:
        """``features``: shape ``(photos, width)``."""
        self._features = torch.tensor(np.asarray(features, dtype=np.float32), device=device)

    def batch(self, rows: Rows, rng: np.random.Generator | None) -> torch.Tensor:
        """Return features of some photos, shape ``(len(rows), width)``; ``rng`` is ignored."""
        del rng
        return self._features[rows]


class Pixels:
    """Photos, resized to a shorter side of ``side`` pixels and cropped to a square.

    The crop is central or, for augmentation, at random. Photos are decoded once, at the start (no
    tuning method could save this cost), and kept in memory (about 3 GB at 224 pixels); with
    ``keep=False`` they are decoded at each use. They are normalised on the device.
    """

    def __init__(
        self,
        photos: Photos,
        side: int,
        backbone: Backbone,
        device: torch.device,
        keep: bool = True,
    ) -> None:
        self._side, self._device = side, device
        self._photos = photos
        self._images = [self._resized(row) for row in range(len(photos.labels))] if keep else []
        self._mean = torch.tensor(backbone.mean, device=device)[:, None, None]
        self._sd = torch.tensor(backbone.sd, device=device)[:, None, None]

    def batch(self, rows: Rows, rng: np.random.Generator | None) -> torch.Tensor:
        """Return crops, random with an ``rng``, of some photos; ``(len(rows), 3, side, side)``."""
        side = self._side
        squares = np.empty((len(rows), side, side, 3), dtype=np.uint8)
        for square, row in zip(squares, rows, strict=True):
            image = self._images[row] if self._images else self._resized(int(row))
            spare = np.array(image.shape[:2]) - side
            top, left = spare // 2 if rng is None else rng.integers(spare + 1)
            square[:] = image[top : top + side, left : left + side]
        pixels = torch.from_numpy(squares).to(self._device).permute(0, 3, 1, 2).float()
        return (pixels - self._mean) / self._sd

    def _resized(self, row: int) -> NDArray[np.uint8]:
        from PIL import Image

        image, side = self._photos.image(row), self._side
        scale = side / min(image.size)
        width, height = (max(side, round(scale * length)) for length in image.size)
        resized = image.resize((width, height), Image.Resampling.BILINEAR)
        return np.asarray(resized, dtype=np.uint8)


class Computed(NamedTuple):
    """Features of all photos."""

    features: NDArray[np.float16]
    """shape ``(photos, width)``"""
    seconds: float
    """CPU seconds (wall seconds on a GPU) spent on computing them, now or when cached"""


def computed_features(
    photos: Photos, backbone: Backbone, side: int, device: torch.device
) -> Computed:
    """Return a backbone's features of the central crops of all photos, from the cache if possible.

    The cache stores them as float16, in the format of packed features (``feat``, ``label``,
    ``is_test``).

    Raises:
        DataError: the cached file is damaged.
    """
    made_by = (backbone.name, backbone.weights, backbone.width, backbone.mean, backbone.sd)
    digest = hashlib.sha256(f"{photos.sha256} {made_by} {side}".encode()).hexdigest()
    path = cache_folder() / f"cars_features_{digest[:16]}.npz"
    if path.is_file():
        try:
            with np.load(path, allow_pickle=False) as stored:
                return Computed(stored["feat"], float(stored["seconds"]))
        except Exception as error:  # numpy may raise any exception on a damaged file
            raise DataError(
                f"{path} is damaged: delete it to compute the features again"
            ) from error
    pixels = Pixels(photos, side, backbone, device, keep=False)
    network = backbone.build().to(device).eval()
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    started = clock()
    parts = []
    with torch.no_grad():
        for start in range(0, len(photos.labels), AT_ONCE):
            rows = np.arange(start, min(start + AT_ONCE, len(photos.labels)))
            parts.append(network(pixels.batch(rows, None)).cpu().numpy().astype(np.float16))
    computed = Computed(np.concatenate(parts), clock() - started)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".npz")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez_compressed(
                file,
                feat=computed.features,
                label=photos.labels,
                is_test=photos.is_test,
                seconds=computed.seconds,
            )
        os.replace(temporary, path)  # atomic: two processes may compute at once
    except BaseException:
        os.unlink(temporary)
        raise
    return computed


class Packed(NamedTuple):
    """A file of features, with labels and official split of the photos; ``n`` rows."""

    features: NDArray[np.floating]
    """shape ``(n, width)``"""
    labels: NDArray[np.int64]
    is_test: NDArray[np.bool_]
    contents: list[str]
    """hash of the features of each photo: equal for byte-identical photos"""
    sha256: str


def read_features(path: Path) -> Packed:
    """Read packed features.

    Raises:
        DataError: the file is missing or not in this format.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            features, labels, is_test = (stored[name] for name in ("feat", "label", "is_test"))
    except Exception as error:  # numpy may raise any exception on a foreign file
        raise DataError(f"{path} holds no features ({type(error).__name__}: {error})") from error
    if features.ndim != 2 or not len(features) == len(labels) == len(is_test):
        raise DataError(f"{path}: feat, label and is_test must have one row per photo")
    labels, is_test = labels.astype(np.int64), is_test.astype(bool)
    contents = [hashlib.sha256(row.tobytes()).hexdigest() for row in features]
    digest = hashlib.sha256("".join(contents).encode())
    digest.update(labels.tobytes() + is_test.tobytes())
    return Packed(features, labels, is_test, contents, digest.hexdigest())
