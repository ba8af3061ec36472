"""Write texts of others as plain text: in Markdown and in CSV.

Names of methods and tasks, configs and errors come from files that others wrote.
"""

from __future__ import annotations

import re

import pandas as pd

_MARKUP = re.compile(r"[\\<>|`]|&(?=#?\w+;)|\](?=[(\[:])")
_MARKUP_IN_LINK = re.compile(r"[\\<>|`\[\]]|&(?=#?\w+;)")
_BLOCK = re.compile(r"^(?=[#~=]|[-+](?:\s|$))")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def markdown(text: object, inside_link: bool = False) -> str:
    """Return a text on one line that Markdown shows as it is, also in a cell of a table.

    HTML, cells, code and links are escaped. Asterisks and underscores are not.

    Args:
        text: the text, or a value.
        inside_link: True for the text of a link or an image, where no bracket may stand.
    """
    markup = _MARKUP_IN_LINK if inside_link else _MARKUP
    return markup.sub(lambda match: f"\\{match[0]}", " ".join(str(text).split()))


def markdown_line(text: str) -> str:
    """Return a text as ``markdown`` does, for the start of a line: it opens no heading or list."""
    return _BLOCK.sub(lambda _: "\\", markdown(text))


def code(text: object) -> str:
    """Return a text as code in Markdown; backticks become apostrophes."""
    line = " ".join(str(text).split()).replace("`", "'")
    return f"`{line}`"


def csv(data: pd.DataFrame) -> pd.DataFrame:
    """Return a table for CSV files, in which no text is a formula for a spreadsheet.

    Such texts begin with an apostrophe then. Texts that are numbers stay as they are.
    """
    safe = data.rename(columns=_no_formula)
    for position in range(data.shape[1]):
        if not pd.api.types.is_numeric_dtype(data.dtypes.iloc[position]):
            safe.isetitem(position, data.iloc[:, position].map(_no_formula))
    return safe


def _no_formula(value: object) -> object:
    if not (isinstance(value, str) and value.startswith(_FORMULA)):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value
