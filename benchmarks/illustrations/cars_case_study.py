"""Baseline against tuned config of a Cars task: recorded errors, and a prediction of every photo.

The tuned config is the recorded one with the lowest validation error (the mean over its training
seeds). Its errors are those of the recording; predictions are not recorded, so both configs are
trained again for them.
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
"""training seed of the predictions"""
SHOWN = 12
"""photos that a report shows"""
CLASS_NAMES = "stanford_cars_class_names.txt"


def baseline_and_tuned(table: tables.Table, baseline: Config) -> dict[str, Config]:
    """The two configs of a table of curves that are compared."""
    return {"baseline": dict(baseline), "tuned": table.config(_rows_of_best(table)[0])}


def write_recorded(name: str, baseline: Config, target: Path) -> Path:
    """Write one row a recorded curve of either config: ``config``, ``training_seed``, ``loss``,
    ``test_loss`` (after the last epoch), ``cost`` (seconds), and the hyperparameters.

    Args:
        name: of the table of curves.
        baseline: the untuned config; without rows if it was not recorded.
        target: CSV.
    """
    table = tables.read(tables.path_of(name), CURVES)
    columns, last = table.columns, table.meta["fidelity_full"] - 1
    same = (columns["config"] == table.space.numbers(baseline)).all(axis=1) & ~columns["held_out"]
    found = {"baseline": np.flatnonzero(same & _ended(table)), "tuned": _rows_of_best(table)}
    lines = [
        [label, int(columns["training_seed"][row])]
        + [f"{columns[quantity][row, last]:.6g}" for quantity in ("loss", "test_loss", "cost")]
        + list(table.config(row).values())
        for label, rows in found.items()
        for row in rows
    ]
    heads = ["config", "training_seed", "loss", "test_loss", "cost", *table.space.names]
    return _write(target, heads, lines)


def write_predictions(
    task: Cars, configs: Mapping[str, Config], target: Path, photos: Photos | None = None
) -> Path:
    """Train two configs in full and write a row a test photo, in the order of their source.

    Columns: ``file`` (its official name; the row's number where photos are not given), ``label``,
    ``baseline`` and ``tuned`` (classes, from 0), ``training_seed``, ``shown``: 1 for those that
    a report shows, drawn at random, one a class, from those that only the tuned config gets right,
    and ``jpeg``: the name under which ``write_photos`` writes it, flat.

    Args:
        task: a live one.
        configs: ``baseline`` and ``tuned``.
        target: CSV.
        photos: for their names.

    Raises:
        ValueError: a training failed, or the photos are not those that were trained on.
    """
    made: dict[str, Predictions] = {
        label: task.predictions(config, SEED) for label, config in configs.items()
    }
    rows, labels = made["tuned"].rows, made["tuned"].labels
    if photos is not None and not (
        len(photos.labels) > rows.max() and (photos.labels[rows] == labels).all()
    ):
        raise ValueError("the photos have other labels than what was trained on")
    names = [str(row) if photos is None else photos.names[row] for row in rows]
    baseline, tuned = made["baseline"].predicted, made["tuned"].predicted
    shown = to_show(labels, baseline, tuned)
    jpegs = [f"{name.replace('/', '-').removesuffix('.jpg')}.jpg" for name in names]
    seeds = [SEED] * len(rows)
    lines = zip(names, labels, baseline, tuned, seeds, shown.astype(int), jpegs, strict=True)
    heads = ["file", "label", "baseline", "tuned", "training_seed", "shown", "jpeg"]
    return _write(target, heads, lines)


def to_show(
    labels: NDArray[np.int64], baseline: NDArray[np.int64], tuned: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Up to ``SHOWN`` photos that only the tuned config gets right, no two of a class."""
    gained = np.flatnonzero((tuned == labels) & (baseline != labels))
    order = np.random.default_rng(0).permutation(gained)
    _, first = np.unique(labels[order], return_index=True)
    chosen = np.zeros(len(labels), dtype=bool)
    chosen[order[np.sort(first)[:SHOWN]]] = True
    return chosen


def write_photos(photos: Photos, predictions: Path, folder: Path) -> list[Path]:
    """Write the photos that ``predictions`` marks as shown, as JPEG: ``test-00001.jpg``.

    Raises:
        DataError: a file is not an image.
    """
    numbers = {name: number for number, name in enumerate(photos.names)}
    folder.mkdir(parents=True, exist_ok=True)
    with predictions.open(newline="") as file:
        shown = [(row["file"], row["jpeg"]) for row in csv.DictReader(file) if row["shown"] == "1"]
    for name, jpeg in shown:
        photos.image(numbers[name]).save(folder / jpeg, quality=92)
    return [folder / jpeg for _, jpeg in shown]


def class_names(folder: Path | None) -> list[str]:
    """Names of the classes, from the data's folder: of ``stanford_cars_class_names.txt``, or of the
    devkit's ``cars_meta.mat``; empty if neither is there.
    """
    for base in [] if folder is None else [folder, folder / "stanford_cars"]:
        if (base / CLASS_NAMES).is_file():
            return (base / CLASS_NAMES).read_text().splitlines()
        if (base / "devkit" / "cars_meta.mat").is_file():
            from scipy.io import loadmat

            named = loadmat(base / "devkit" / "cars_meta.mat", squeeze_me=True)["class_names"]
            return [str(name) for name in named]
    return []


def write_classes(names: Sequence[str], target: Path) -> Path:
    """Write ``class`` (from 0) and ``name``."""
    return _write(target, ["class", "name"], enumerate(names))


def photos_if_any(data_dir: str | None) -> Photos | None:
    """The photos of a folder or file; None if there are none in it."""
    try:
        return load_photos(data_dir)
    except DataError:
        return None


def _ended(table: tables.Table) -> NDArray[np.bool_]:
    ended: NDArray[np.bool_] = table.columns["epochs"] == table.meta["fidelity_full"]
    return ended


def _rows_of_best(table: tables.Table) -> NDArray[np.int64]:
    """Rows of the config with the lowest mean validation error of its recorded seeds."""
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
