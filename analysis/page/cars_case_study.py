"""The case study of the SigOpt talk on Stanford Cars (GTC 2019, S9313).

Slide 28 compares the baseline with the tuned config; slide 31 shows photos.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from analysis.figures.captions import ordered
from analysis.page.figure_data import FigureData
from analysis.page.tables import Table
from analysis.page.talk_table import COUNTERPARTS
from analysis.statistics.step_curves import within_budget

SLIDE_28 = {"baseline": "46.41 %", "tuned": "47.99 %, +1.58 points"}
"""accuracies as slide 28 states them"""


def baseline(table: pd.DataFrame, task: str, data: FigureData) -> Table:
    """Tabulate the test accuracy of the baseline, the best recorded config and tuned configs.

    Columns: ``config``, ``runs``, ``test accuracy [%]`` (mean and range over training seeds for
    the baseline and for the best recorded config; median and quartiles over runs for the configs
    that methods recommend at the end of the budget), ``gain [points]`` over the mean of the
    baseline, ``the talk, ResNet-50``.

    Args:
        table: tidy table, see ``analysis.data.tidy.tidy``.
        task: name of a Cars task.
        data: files of ``benchmarks.figure_data``, with ``recorded_<task>.csv``.

    Raises:
        ValueError: if the file is missing or holds no errors of the baseline.
    """
    name = f"recorded_{task}.csv"
    recorded = data.read(name)
    accuracy = (100 * (1 - recorded.test_loss)).groupby(recorded["config"])
    means = accuracy.mean()
    if "baseline" not in means:
        raise ValueError(f"the baseline of {task} was not recorded")
    rows = []
    for label, config in (("baseline", "baseline"), ("tuned", "best recorded config")):
        group = accuracy.get_group(label)
        count = f"{len(group)} training seed{'s' * (len(group) > 1)}"
        spread = f" ({group.min():.1f} to {group.max():.1f})" if len(group) > 1 else ""
        gain = "" if label == "baseline" else f"{means[label] - means.baseline:+.1f}"
        talks = SLIDE_28["baseline"] if label == "baseline" else ""
        rows.append((config, count, f"{means[label]:.1f}{spread}", gain, talks))
    last = within_budget(table[table.task == task]).groupby(["method", "seed"]).tail(1)
    methods = ordered(last.method)
    counterpart = next(
        (method for method in COUNTERPARTS["SigOpt Multitask"] if method in methods), None
    )
    for method in methods:
        accuracies = 100 * (1 - last[last.method == method].test_recommended.dropna())
        if not len(accuracies):
            continue
        low, middle, high = accuracies.quantile([0.25, 0.5, 0.75])
        talks = SLIDE_28["tuned"] if method == counterpart else ""
        gain = f"{middle - means.baseline:+.1f}"
        cell = f"{middle:.1f} ({low:.1f} to {high:.1f})"
        rows.append((f"tuned by {method}", f"{len(accuracies)} runs", cell, gain, talks))
    heads = ["config", "runs", "test accuracy [%]", "gain [points]", "the talk, ResNet-50"]
    replays = table[table.task == task].replays.iloc[0]
    return Table(
        pd.DataFrame(rows, columns=heads),
        f"Accuracy on the official test photos of {task}: of the untuned baseline, of the best "
        "recorded config (lowest mean validation error), and of the configs that methods recommend "
        "at the end of the budget. The first two are as they were trained: mean (lowest to "
        "highest) over training seeds; a config that was trained once may be the best by luck. "
        "Those of methods are replayed: median (quartiles) over runs. Gains are over the mean of "
        "the baseline. The last column is slide 28 of the talk: another backbone, one run, and "
        "accuracy on the photos by which configs were chosen." + data.other_table(name, replays),
    )


def gained(task: str, data: FigureData, replays: object = "none") -> Table:
    """List the sampled test photos that only the tuned config classifies correctly.

    Columns: ``photo`` (official file name), ``class, predicted by the tuned config``, ``predicted
    by the baseline`` (names of classes). The caption counts all test photos.

    Args:
        task: name of a Cars task.
        data: files of ``benchmarks.figure_data``, with ``predictions_<task>.csv`` and
            ``classes_<task>.csv``.
        replays: SHA-256 of the table that the runs replay, or ``none``.

    Raises:
        ValueError: if one of the files is missing.
    """
    predictions, names = _predictions(task, data)
    shown = predictions[predictions.shown == 1]
    cells = {
        "photo": shown.file.astype(str),
        "class, predicted by the tuned config": shown.label.map(names),
        "predicted by the baseline": shown.baseline.map(names),
    }
    caption = counts(task, data) + data.other_table(f"predictions_{task}.csv", replays)
    return Table(pd.DataFrame(cells).reset_index(drop=True), caption)


def counts(task: str, data: FigureData) -> str:
    """Count the test photos that either config classifies correctly, as text for a caption.

    Raises:
        ValueError: if the predictions or the names of the classes are missing.
    """
    predictions, _ = _predictions(task, data)
    tuned = predictions.tuned == predictions.label
    base = predictions.baseline == predictions.label
    count, training_seed = len(predictions), int(predictions.training_seed.iloc[0])
    only, lost = int((tuned & ~base).sum()), int((base & ~tuned).sum())
    shown = int(predictions.shown.sum())
    return (
        f"Of {count:,} test photos of {task}, the baseline gets {base.mean():.1%} right, and the "
        f"tuned config (the best recorded one) {tuned.mean():.1%}: {only:,} are right by the tuned "
        f"config only, {lost:,} by the baseline only, {int((tuned & base).sum()):,} by both, and "
        f"{int((~tuned & ~base).sum()):,} by neither. Both were trained once, with training seed "
        f"{training_seed}. Shown: {shown} photo{'s' * (shown != 1)}, drawn at random from those "
        "that only the tuned config gets right, at most one per class."
    )


def with_photos(task: str, data: FigureData, folder: Path) -> pd.DataFrame:
    """Return the sampled photos whose JPEG file is in a folder.

    Columns: ``path`` (of the JPEG file), ``file`` (official file name), ``label``, ``baseline``
    (names of classes).

    Raises:
        ValueError: if the predictions are missing, or if the folder has none of the photos.
    """
    predictions, names = _predictions(task, data)
    shown = predictions[predictions.shown == 1]
    paths = [folder / name for name in shown.jpeg]
    photos = pd.DataFrame({
        "path": paths,
        "file": shown.file.astype(str).to_numpy(),
        "label": shown.label.map(names).to_numpy(),
        "baseline": shown.baseline.map(names).to_numpy(),
    })  # fmt: skip
    photos = photos[[path.is_file() for path in paths]].reset_index(drop=True)
    if not len(photos):
        raise ValueError(f"{folder} has none of the photos that are shown")
    return photos


def _predictions(task: str, data: FigureData) -> tuple[pd.DataFrame, dict[int, str]]:
    """Return the predictions, one row per test photo, and the name of each class."""
    predictions = data.read(f"predictions_{task}.csv")
    names = data.read(f"classes_{task}.csv").set_index("class")["name"].to_dict()
    classes = set(predictions.label) | set(predictions.baseline) | set(predictions.tuned)
    return predictions, {int(c): str(names.get(c, f"class {c}")) for c in classes}
