"""The talk's case on Stanford Cars: baseline against tuned (slide 28), and photos (slide 31)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from analysis.figures.captions import ordered
from analysis.page.figure_data import FigureData
from analysis.page.tables import Table
from analysis.page.talk_table import COUNTERPARTS
from analysis.statistics.step_curves import within_budget

SLIDE_28 = {"baseline": "46.41 %", "tuned": "47.99 %, +1.58 points"}


def baseline(table: pd.DataFrame, task: str, data: FigureData) -> Table:
    """Test accuracy of the baseline and of what each method recommends in the end.

    Columns: ``config``, ``runs``, ``test accuracy [%]`` (mean and range over training seeds of the
    baseline and of the best recorded config; median and quartiles over runs of methods),
    ``gain [points]`` over the baseline's mean, ``the talk, ResNet-50``.

    Raises:
        ValueError: recorded errors are not there, or none of the baseline.
    """
    name = f"recorded_{task}.csv"
    recorded = data.read(name)
    accuracy = (100 * (1 - recorded.test_loss)).groupby(recorded["config"])
    means = accuracy.mean()
    if "baseline" not in means:
        raise ValueError(f"the baseline of {task} was not recorded")
    rows = []
    for label, what in (("baseline", "baseline"), ("tuned", "best recorded config")):
        group = accuracy.get_group(label)
        count = f"{len(group)} training seed{'s' * (len(group) > 1)}"
        spread = f" ({group.min():.1f} to {group.max():.1f})" if len(group) > 1 else ""
        gain = "" if label == "baseline" else f"{means[label] - means.baseline:+.1f}"
        talks = SLIDE_28["baseline"] if label == "baseline" else ""
        rows.append((what, count, f"{means[label]:.1f}{spread}", gain, talks))
    last = within_budget(table[table.task == task]).groupby(["method", "seed"]).tail(1)
    methods = ordered(last.method)
    stands = next(
        (method for method in COUNTERPARTS["SigOpt Multitask"] if method in methods), None
    )
    for method in methods:
        found = 100 * (1 - last[last.method == method].test_recommended.dropna())
        if not len(found):
            continue
        low, middle, high = found.quantile([0.25, 0.5, 0.75])
        talks = SLIDE_28["tuned"] if method == stands else ""
        gain = f"{middle - means.baseline:+.1f}"
        cell = f"{middle:.1f} ({low:.1f} to {high:.1f})"
        rows.append((f"tuned by {method}", f"{len(found)} runs", cell, gain, talks))
    heads = ["config", "runs", "test accuracy [%]", "gain [points]", "the talk, ResNet-50"]
    replays = table[table.task == task].replays.iloc[0]
    return Table(
        pd.DataFrame(rows, columns=heads),
        f"Baseline against tuned on {task}. Measured: accuracy on the official test photos; of the "
        "baseline and the best recorded config (lowest mean validation error: where that is of one "
        "training, partly its luck) as they were trained, the mean and the range over training "
        "seeds; of the methods, what they recommend at the end of the budget (rule recommended), "
        "as replayed: median and quartiles over runs. Gains are over the "
        "baseline's mean. The talk's column is slide 28: another backbone, one run, accuracy on "
        "the photos that configs were chosen by, no repetition." + data.other_table(name, replays),
    )


def gained(task: str, data: FigureData, replays: object = "none") -> Table:
    """Test photos that the baseline gets wrong and the tuned config right: those that are shown.

    ``replays`` is the sha256 of the table that the runs replay.

    Columns: ``photo`` (official file name), ``label`` (what the tuned config says), ``baseline
    says``; the caption counts all test photos.

    Raises:
        ValueError: predictions are not there.
    """
    found, names = _predictions(task, data)
    shown = found[found.shown == 1]
    cells = {
        "photo": shown.file.astype(str),
        "label, and what the tuned config says": shown.label.map(names),
        "the baseline says": shown.baseline.map(names),
    }
    caption = counts(task, data) + data.other_table(f"predictions_{task}.csv", replays)
    return Table(pd.DataFrame(cells).reset_index(drop=True), caption)


def counts(task: str, data: FigureData) -> str:
    """How many test photos either config gets right, in a caption."""
    found, _ = _predictions(task, data)
    tuned, base = found.tuned == found.label, found.baseline == found.label
    only, lost = int((tuned & ~base).sum()), int((base & ~tuned).sum())
    return (
        f"Of {len(found):,} test photos of {task}, the baseline gets {base.mean():.1%} right, the "
        f"tuned config (the best recorded one) {tuned.mean():.1%}; {only:,} only the tuned one, "
        f"{lost:,} only the baseline, {int((tuned & base).sum()):,} both, "
        f"{int((~tuned & ~base).sum()):,} neither. Both were trained live, with training seed "
        f"{int(found.training_seed.iloc[0])} alone. Shown: {int(found.shown.sum())} of those that "
        "only the tuned one gets right, drawn at random, no two of a class."
    )


def with_photos(task: str, data: FigureData, folder: Path) -> pd.DataFrame:
    """Of the photos shown whose JPEG is in a folder: ``path``, ``label``, ``baseline`` (names).

    Raises:
        ValueError: predictions are not there, or no photo is.
    """
    found, names = _predictions(task, data)
    shown = found[found.shown == 1]
    paths = [folder / name for name in shown.jpeg]
    made = pd.DataFrame({
        "path": paths,
        "file": shown.file.astype(str).to_numpy(),
        "label": shown.label.map(names).to_numpy(),
        "baseline": shown.baseline.map(names).to_numpy(),
    })  # fmt: skip
    made = made[[path.is_file() for path in paths]].reset_index(drop=True)
    if not len(made):
        raise ValueError(f"{folder} has none of the photos that are shown")
    return made


def _predictions(task: str, data: FigureData) -> tuple[pd.DataFrame, dict[int, str]]:
    """Predictions, and the name of every class."""
    found = data.read(f"predictions_{task}.csv")
    known = data.read(f"classes_{task}.csv").set_index("class")["name"].to_dict()
    classes = set(found.label) | set(found.baseline) | set(found.tuned)
    return found, {int(c): str(known.get(c, f"class {c}")) for c in classes}
