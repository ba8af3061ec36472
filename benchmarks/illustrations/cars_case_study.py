"""Compare the baseline with the tuned config of a Cars task: errors, and predicted test photos.

The tuned config is the recorded one with the lowest validation error (mean over its training
seeds). Errors come from the recording. It holds no predictions, so both configs are trained again
to predict the test photos.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.core.space import Config
from tasks.cars.live import Cars, Predictions
from tasks.cars.photos import Photos, load_photos
from tasks.datasets import DataError
from tasks.replay import table as tables
from tasks.replay.curves import CURVES

SEED = 0
"""training seed of the networks that predict"""
SHOWN = 12
"""number of photos that a report shows"""
CLASS_NAMES = "stanford_cars_class_names.txt"


def baseline_and_tuned(table: tables.Table, baseline: Config) -> dict[str, Config]:
    """Return the two configs to compare; the tuned one is the best of the table of curves."""
    return {"baseline": dict(baseline), "tuned": table.config(_rows_of_best(table)[0])}


def write_recorded(name: str, baseline: Config, path: Path) -> Path:
    """Write a CSV with one row per recorded curve of either config.

    Columns: ``config`` (``baseline`` or ``tuned``), ``training_seed``, ``loss`` and ``test_loss``
    after the last epoch, ``cost`` of the training (seconds), and the hyperparameters.

    Args:
        name: name of the table of curves.
        baseline: the untuned config; it has no rows if it was not recorded.
        path: CSV file to write.

    Returns:
        ``path``.
    """
    table = tables.read(tables.path_of(name), CURVES)
    columns, last = table.columns, table.meta["fidelity_full"] - 1
    same = (columns["config"] == table.space.numbers(baseline)).all(axis=1) & ~columns["held_out"]
    rows_of = {"baseline": np.flatnonzero(same & _ended(table)), "tuned": _rows_of_best(table)}
    lines = [
        [label, int(columns["training_seed"][row])]
        + [f"{columns[quantity][row, last]:.6g}" for quantity in ("loss", "test_loss", "cost")]
        + list(table.config(row).values())
        for label, rows in rows_of.items()
        for row in rows
    ]
    heads = ["config", "training_seed", "loss", "test_loss", "cost", *table.space.names]
    return _write(path, heads, lines)


def write_predictions(
    task: Cars, configs: Mapping[str, Config], path: Path, photos: Photos | None = None
) -> Path:
    """Train two configs in full and write a CSV with one row per test photo, in source order.

    Columns: ``file`` (official name of the photo; its row number without ``photos``); ``label``,
    and the predictions ``baseline`` and ``tuned`` (classes, numbered from 0); ``training_seed``;
    ``shown`` (1 if ``to_show`` picks the photo for a report, otherwise 0); and ``jpeg`` (file name
    that ``write_photos`` uses).

    Args:
        task: live task.
        configs: the configs ``baseline`` and ``tuned``.
        path: CSV file to write.
        photos: photos of the task, for their names.

    Returns:
        ``path``.

    Raises:
        ValueError: a training failed, or the labels of ``photos`` are not those of the task.
    """
    predictions: dict[str, Predictions] = {
        label: task.predictions(config, SEED) for label, config in configs.items()
    }
    rows, labels = predictions["tuned"].rows, predictions["tuned"].labels
    if photos is not None and not (
        len(photos.labels) > rows.max() and (photos.labels[rows] == labels).all()
    ):
        raise ValueError("the labels of the photos differ from those of the training data")
    names = [str(row) if photos is None else photos.names[row] for row in rows]
    baseline, tuned = predictions["baseline"].predicted, predictions["tuned"].predicted
    shown = to_show(labels, baseline, tuned)
    jpegs = [f"{name.replace('/', '-').removesuffix('.jpg')}.jpg" for name in names]
    seeds = [SEED] * len(rows)
    lines = zip(names, labels, baseline, tuned, seeds, shown.astype(int), jpegs, strict=True)
    heads = ["file", "label", "baseline", "tuned", "training_seed", "shown", "jpeg"]
    return _write(path, heads, lines)


def to_show(
    labels: NDArray[np.int64], baseline: NDArray[np.int64], tuned: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Pick at random up to ``SHOWN`` photos that only the tuned config gets right, one per class.

    All arrays have shape ``(n,)``. Returns a mask, True for the photos picked.
    """
    gained = np.flatnonzero((tuned == labels) & (baseline != labels))
    order = np.random.default_rng(0).permutation(gained)
    _, first = np.unique(labels[order], return_index=True)
    chosen = np.zeros(len(labels), dtype=bool)
    chosen[order[np.sort(first)[:SHOWN]]] = True
    return chosen


def write_photos(photos: Photos, predictions: Path, folder: Path) -> list[Path]:
    """Write the photos that ``predictions`` marks as shown as JPEG files: ``test-00001.jpg``.

    Args:
        photos: photos of the task.
        predictions: CSV from ``write_predictions``.
        folder: folder to write to; created if it does not exist.

    Returns:
        The paths of the files.

    Raises:
        DataError: a photo is not a readable image.
    """
    numbers = {name: number for number, name in enumerate(photos.names)}
    folder.mkdir(parents=True, exist_ok=True)
    with predictions.open(newline="") as file:
        shown = [(row["file"], row["jpeg"]) for row in csv.DictReader(file) if row["shown"] == "1"]
    for name, jpeg in shown:
        photos.image(numbers[name]).save(folder / jpeg, quality=92)
    return [folder / jpeg for _, jpeg in shown]


def class_names(folder: Path | None) -> list[str]:
    """Read the names of the classes from the data folder; an empty list if they are not there.

    They are in ``stanford_cars_class_names.txt``, or in ``cars_meta.mat`` of the devkit.
    """
    for base in [] if folder is None else [folder, folder / "stanford_cars"]:
        if (base / CLASS_NAMES).is_file():
            return (base / CLASS_NAMES).read_text().splitlines()
        if (base / "devkit" / "cars_meta.mat").is_file():
            from scipy.io import loadmat

            named = loadmat(base / "devkit" / "cars_meta.mat", squeeze_me=True)["class_names"]
            return [str(name) for name in named]
    return []


def write_classes(names: Sequence[str], path: Path) -> Path:
    """Write a CSV with the columns ``class`` (numbered from 0) and ``name``; return ``path``."""
    return _write(path, ["class", "name"], enumerate(names))


def photos_if_any(data_dir: str | None) -> Photos | None:
    """Load the photos of a folder or file, as ``task.data_dir``; None if it holds none."""
    try:
        return load_photos(data_dir)
    except DataError:
        return None


def _ended(table: tables.Table) -> NDArray[np.bool_]:
    ended: NDArray[np.bool_] = table.columns["epochs"] == table.meta["fidelity_full"]
    return ended


def _rows_of_best(table: tables.Table) -> NDArray[np.int64]:
    """Return the rows of the config with the lowest mean validation error over its seeds."""
    columns = table.columns
    kept = np.flatnonzero(~columns["held_out"])
    _, config_of = np.unique(columns["config"][kept], axis=0, return_inverse=True)
    config_of = config_of.ravel()
    losses = np.where(_ended(table)[kept], columns["loss"][kept, -1], np.inf)
    means = np.bincount(config_of, losses) / np.bincount(config_of)
    rows: NDArray[np.int64] = kept[config_of == means.argmin()]
    return rows


def _write(path: Path, heads: Sequence[str], lines: Iterable[Iterable[Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(heads)
        writer.writerows(lines)
    return path
