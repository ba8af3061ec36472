"""Writes small made-up photos in each form in which Stanford Cars is had: JPEGs, by colour."""

from __future__ import annotations

import colorsys
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Made:
    """What was written, training photos first."""

    files: list[bytes]
    labels: NDArray[np.int64]
    """from 0"""
    is_test: NDArray[np.bool_]
    names: list[str]
    """as the devkit numbers them in each part: ``00001.jpg``"""


def make(photos_per_class: int = 6, classes: int = 3, px: int = 16, seed: int = 0) -> Made:
    """Photos of one hue a class, no two alike; of each class the larger half is for training.

    Args:
        photos_per_class: of both parts together.
        classes: their hues are spread evenly.
        px: width and height.
        seed: of everything else.
    """
    rng = np.random.default_rng(seed)
    train = (photos_per_class + 1) // 2
    parts = [np.repeat(np.arange(classes), n) for n in (train, photos_per_class - train)]
    labels = np.concatenate([rng.permutation(part) for part in parts])
    is_test = np.repeat([False, True], [len(part) for part in parts])
    names = [f"{number + 1:05d}.jpg" for part in parts for number in range(len(part))]
    return Made([_jpeg(k / classes, px, rng) for k in labels], labels, is_test, names)


def _jpeg(hue: float, px: int, rng: np.random.Generator) -> bytes:
    from PIL import Image

    colour = 255 * np.array(colorsys.hsv_to_rgb(hue, 0.9, 0.8))
    # as much noise as leaves the hue plain to a small network
    pixels = colour + rng.normal(0, 30, (px, px, 3))
    file = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(file, "jpeg", quality=92)
    return file.getvalue()


def arrays(made: Made) -> dict[str, NDArray[np.generic]]:
    """The arrays of a packed file."""
    return {
        "blob": np.frombuffer(b"".join(made.files), dtype=np.uint8),
        "offsets": np.cumsum([0, *map(len, made.files)]),
        "label": made.labels.astype(np.int16),
        "is_test": made.is_test,
    }


def packed(
    path: Path, photos_per_class: int = 6, classes: int = 3, px: int = 16, seed: int = 0
) -> Made:
    """Write a packed ``.npz`` file."""
    made = make(photos_per_class, classes, px, seed)
    np.savez(path, **arrays(made))  # type: ignore[arg-type]
    return made


def folder(
    path: Path, photos_per_class: int = 6, classes: int = 3, px: int = 16, seed: int = 0
) -> Made:
    """Write ``path/stanford_cars`` in torchvision's layout, with the devkit's files."""
    made = make(photos_per_class, classes, px, seed)
    base = path / "stanford_cars"
    for part, rows in (("train", ~made.is_test), ("test", made.is_test)):
        (base / f"cars_{part}").mkdir(parents=True)
        for number in np.flatnonzero(rows):
            (base / f"cars_{part}" / made.names[number]).write_bytes(made.files[number])
    (base / "devkit").mkdir()
    annotate(base / "devkit" / "cars_train_annos.mat", made, ~made.is_test)
    annotate(base / "devkit" / "cars_test_annos.mat", made, made.is_test, with_class=False)
    annotate(base / "cars_test_annos_withlabels.mat", made, made.is_test)
    return made


def annotate(path: Path, made: Made, rows: NDArray[np.bool_], with_class: bool = True) -> None:
    """Write annotations as the devkit has them: a 1 x n struct array, classes from 1."""
    from scipy.io import savemat

    corners = ["bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2"]
    fields = [*corners, *(["class"] if with_class else []), "fname"]
    numbers = np.flatnonzero(rows)
    annotations = np.empty((1, len(numbers)), dtype=[(field, object) for field in fields])
    for place, number in enumerate(numbers):
        row = annotations[0, place]
        for corner in corners:
            row[corner] = np.uint16(1)
        if with_class:
            row["class"] = np.uint8(made.labels[number] + 1)
        row["fname"] = made.names[number]
    savemat(path, {"annotations": annotations})


def hub(
    path: Path, photos_per_class: int = 6, classes: int = 3, px: int = 16, seed: int = 0
) -> Made:
    """Write a folder that ``datasets.load_dataset`` opens as it opens a hub's: parquet files."""
    from datasets import ClassLabel, Dataset, Features, Image

    made = make(photos_per_class, classes, px, seed)
    path.mkdir(parents=True, exist_ok=True)
    kinds = Features({"image": Image(), "label": ClassLabel(num_classes=classes)})
    for part, rows in (("train", ~made.is_test), ("test", made.is_test)):
        numbers = np.flatnonzero(rows)
        images = [{"bytes": made.files[n], "path": made.names[n]} for n in numbers]
        columns = {"image": images, "label": made.labels[numbers].tolist()}
        Dataset.from_dict(columns, features=kinds).to_parquet(path / f"{part}.parquet")
    return made
