"""Draw test photos that the tuned config classifies correctly and the baseline does not.

Compare slide 31 of the SigOpt talk (GTC 2019, S9313). The photos belong to their owners, so such a
figure is not for publication.
"""

from __future__ import annotations

import textwrap

import pandas as pd

from analysis.figures import style
from analysis.figures.figure import Figure

COLUMNS = 4  # photos in a row
WIDE = 30  # characters in a line of text
RIGHT, WRONG = "#00664b", "#a03c00"


def draw_misclassified(photos: pd.DataFrame, caption: str) -> Figure:
    """Draw photos with the prediction of the tuned config above and that of the baseline below.

    Args:
        photos: one row per photo, with ``path`` (of a JPEG file), ``file`` (official file name),
            ``label`` and ``baseline`` (names of classes).
        caption: sentences to append to the caption.

    Returns:
        A figure whose data are ``photos`` without the column ``path``.
    """
    style.use()
    import matplotlib.pyplot as plt

    rows = -(-len(photos) // COLUMNS)
    figure, panels = plt.subplots(
        rows, COLUMNS, figsize=(3.0 * COLUMNS, 3.5 * rows), squeeze=False, layout="constrained"
    )
    for ax in panels.flat:
        ax.set_axis_off()
    for ax, photo in zip(panels.flat, photos.itertuples(), strict=False):
        ax.imshow(plt.imread(photo.path))
        ax.set_title(_lines("tuned ✓", photo.label), fontsize="small", color=RIGHT)
        ax.text(
            0.5, -0.03, _lines("baseline ✗", photo.baseline), transform=ax.transAxes,
            ha="center", va="top", fontsize="small", color=WRONG,
        )  # fmt: skip
    data = photos.drop(columns="path")
    return Figure(
        figure, data, f"Above each photo: its class. Below: what the baseline predicts. {caption}"
    )


def _lines(who: str, name: str) -> str:
    return f"{who}\n" + "\n".join(textwrap.wrap(name, WIDE))
