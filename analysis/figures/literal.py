r"""Show texts of others as they are written: names may hold ``$``, ``\``, ``_`` and ``^``.

Matplotlib reads what stands between two ``$`` as a formula, and fails at one that it cannot read.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # slow to import
    from matplotlib.figure import Figure


def literal(figure: Figure) -> None:
    """Turn off formulas in all texts of a figure but the numbers on its axes.

    Those are powers of ten, which matplotlib writes as formulas. Labels of an axis that are given
    by name are texts like any other.
    """
    from matplotlib.axis import Axis
    from matplotlib.text import Text

    numbers: set[Text] = set()
    for axis in figure.findobj(Axis):
        if not _is_by_name(axis.get_major_formatter()):
            numbers.update(axis.get_ticklabels(which="major"))
        if not _is_by_name(axis.get_minor_formatter()):
            numbers.update(axis.get_ticklabels(which="minor"))
    for text in figure.findobj(Text):
        if text not in numbers:
            text.set_parse_math(False)


def _is_by_name(formatter: object) -> bool:
    """Return True for labels that were given as texts, ``ax.set_yticks(places, labels)``."""
    from matplotlib.ticker import FixedFormatter, FuncFormatter

    if isinstance(formatter, FuncFormatter):  # matplotlib looks the texts up in a partial function
        return isinstance(formatter.func, functools.partial)
    return isinstance(formatter, FixedFormatter)
