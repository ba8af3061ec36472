from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from analysis.figures.misclassified import draw_misclassified


@pytest.fixture
def photos(tmp_path: Path) -> pd.DataFrame:
    """Five photos of different shapes."""
    paths = [tmp_path / f"{number}.jpg" for number in range(5)]
    for number, path in enumerate(paths):
        plt.imsave(path, np.full((20 + number, 30, 3), 40 * number, dtype=np.uint8))
    label = ["AM General Hummer SUV 2000", *["Audi S4"] * 4]
    return pd.DataFrame({
        "path": paths, "file": [f"test/{n}.jpg" for n in range(5)], "label": label,
        "baseline": "BMW M3 " + "Coupe " * 9,
    })  # fmt: skip


def test_every_photo_has_its_label_above_and_the_baselines_below(photos: pd.DataFrame) -> None:
    drawn = draw_misclassified(photos, "Of 9 photos ...")
    panels = drawn.figure.axes
    assert [len(ax.images) for ax in panels] == [1, 1, 1, 1, 1, 0, 0, 0]
    assert panels[0].images[0].get_array().shape == (20, 30, 3)
    assert panels[0].get_title() == "tuned ✓\nAM General Hummer SUV 2000"
    below = panels[4].texts[0].get_text().split("\n")
    assert below[0] == "baseline ✗"
    assert len(below) == 3  # a long name is broken into lines
    assert drawn.caption.endswith("Of 9 photos ...")
    plt.close(drawn.figure)


def test_the_table_behind_it_names_photos_but_no_paths_of_this_machine(
    photos: pd.DataFrame,
) -> None:
    drawn = draw_misclassified(photos, "")
    assert list(drawn.data) == ["file", "label", "baseline"]
    plt.close(drawn.figure)
