"""What a network for Stanford Cars is fed: photos, or the features a frozen backbone makes of them.

Features are computed once and cached by content: of the photos, the weights and the size.
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
"""photos passed through a backbone at a time"""


class Features:
    """Rows of a matrix; they cannot be augmented."""

    def __init__(self, features: NDArray[np.floating], device: torch.device) -> None:
        """``features``: shape ``(photos, width)``."""
        self._features = torch.tensor(np.asarray(features, dtype=np.float32), device=device)

    def batch(self, rows: Rows, rng: np.random.Generator | None) -> torch.Tensor:
        """Features of some photos, shape ``(len(rows), width)``."""
        del rng
        return self._features[rows]


class Pixels:
    """Photos whose shorter side is ``side``: a square cut from the middle or, augmented, anywhere.

    Decoded once, at the start, as no method could save that, unless ``keep`` is False (some 3 GB
    at 224 pixels); normalised on the device.
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
        """Squares of some photos, shape ``(len(rows), 3, side, side)``."""
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
    """CPU seconds (wall seconds on a GPU) that computing them took, whenever that was"""


def computed_features(
    photos: Photos, backbone: Backbone, side: int, device: torch.device
) -> Computed:
    """What a backbone makes of the middle square of every photo; from the cache if it is there.

    Kept as float16, in the format of the packed features (``feat``, ``label``, ``is_test``).
    """
    made_by = (backbone.name, backbone.weights, backbone.width, backbone.mean, backbone.sd)
    digest = hashlib.sha256(f"{photos.sha256} {made_by} {side}".encode()).hexdigest()
    path = cache_folder() / f"cars_features_{digest[:16]}.npz"
    if path.is_file():
        try:
            with np.load(path, allow_pickle=False) as stored:
                return Computed(stored["feat"], float(stored["seconds"]))
        except Exception as error:  # numpy raises what it likes of a damaged file
            raise DataError(f"{path} is damaged: delete it, to compute it again") from error
    pixels = Pixels(photos, side, backbone, device, keep=False)
    network = backbone.build().to(device).eval()
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    started = clock()
    parts = []
    with torch.no_grad():
        for start in range(0, len(photos.labels), AT_ONCE):
            rows = np.arange(start, min(start + AT_ONCE, len(photos.labels)))
            parts.append(network(pixels.batch(rows, None)).cpu().numpy().astype(np.float16))
    found = Computed(np.concatenate(parts), clock() - started)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".npz")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez_compressed(
                file,
                feat=found.features,
                label=photos.labels,
                is_test=photos.is_test,
                seconds=found.seconds,
            )
        os.replace(temporary, path)  # atomic: two processes may compute at once
    except BaseException:
        os.unlink(temporary)
        raise
    return found


class Packed(NamedTuple):
    """A file of features, with the labels and the official split of their photos."""

    features: NDArray[np.floating]
    labels: NDArray[np.int64]
    is_test: NDArray[np.bool_]
    contents: list[str]
    """equal for photos with equal features: the byte-identical ones"""
    sha256: str


def read_features(path: Path) -> Packed:
    """Read packed features.

    Raises:
        DataError: no such file, or not of this format.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            features, labels, is_test = (stored[name] for name in ("feat", "label", "is_test"))
    except Exception as error:  # numpy raises what it likes of a file that is none of its own
        raise DataError(f"{path} holds no features ({type(error).__name__}: {error})") from error
    if features.ndim != 2 or not len(features) == len(labels) == len(is_test):
        raise DataError(f"{path}: feat, label and is_test must have one row a photo")
    labels, is_test = labels.astype(np.int64), is_test.astype(bool)
    contents = [hashlib.sha256(row.tobytes()).hexdigest() for row in features]
    digest = hashlib.sha256("".join(contents).encode())
    digest.update(labels.tobytes() + is_test.tobytes())
    return Packed(features, labels, is_test, contents, digest.hexdigest())
