"""A report as one HTML page that needs nothing else (no network, no script, no other file), and as
Markdown beside its figures.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import jinja2
import pandas as pd

from analysis.page.tables import to_markdown

INLINE = 60_000  # characters; a longer CSV is linked to as a file beside the page


@dataclass(frozen=True)
class PageFigure:
    """A figure as it is shown."""

    title: str
    caption: str
    png: bytes
    csv: str
    files: str
    """where its files are, relative to the page, without what follows the last dot"""
    pixels: int
    """its width; at half of it texts can still be read"""

    @property
    def source(self) -> str:
        """The picture as a ``data:`` URI."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode()}"

    @property
    def csv_link(self) -> str:
        """Where the numbers are."""
        return _link(self.csv, f"{self.files}.csv")

    @property
    def name(self) -> str:
        """Of the files."""
        return Path(self.files).name


@dataclass(frozen=True)
class PageTable:
    """A table as it is shown."""

    title: str
    caption: str
    data: pd.DataFrame
    files: str

    @property
    def csv_link(self) -> str:
        """Where the same table is as CSV."""
        return _link(self.data.to_csv(index=False), f"{self.files}.csv")

    @property
    def name(self) -> str:
        """Of the files."""
        return Path(self.files).name


@dataclass(frozen=True)
class Absent:
    """What could not be drawn, and why."""

    title: str
    reason: str


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    name: str
    title: str
    shown: Sequence[PageFigure | PageTable | Absent]


@dataclass(frozen=True)
class Page:
    """All that a report says."""

    title: str
    lines: Sequence[str]
    """what was analysed and what was not"""
    sections: Sequence[Section]
    made: Sequence[tuple[str, Sequence[str]]] = field(default=())
    """how it was made: names (seeds, clock, machines ...) and what they were"""
    coverage: pd.DataFrame = field(default_factory=pd.DataFrame)


def render(page: Page) -> str:
    """The page as HTML; all texts are escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests["figure"] = lambda shown: isinstance(shown, PageFigure)
    environment.tests["table"] = lambda shown: isinstance(shown, PageTable)
    return environment.get_template("page.html").render(page=page)


def as_markdown(page: Page) -> str:
    """The page for a reader of the repository: pictures and tables are links to, or copies of, the
    files beside it.
    """
    lines = [f"# {page.title}", "", *(f"- {line}" for line in page.lines), ""]
    for section in page.sections:
        lines += [f"## {section.title}", ""]
        for shown in section.shown:
            lines += [f"### {shown.title}", ""] if shown.title else []
            if isinstance(shown, Absent):
                lines += [f"Not drawn: {shown.reason}.", ""]
            elif isinstance(shown, PageFigure):
                link = quote(shown.files)
                lines += [f"![{shown.title or section.title}]({link}.png)", ""]
                lines += [f"{shown.caption} [CSV]({link}.csv), [SVG]({link}.svg)", ""]
            else:
                lines += [to_markdown(shown.data), shown.caption, ""]
    lines += ["## How this was made", ""]
    lines += [f"- {name}: {'; '.join(values)}" for name, values in page.made]
    return "\n".join(lines) + "\n"


def _link(csv: str, beside: str) -> str:
    if len(csv) > INLINE:
        return quote(beside)
    return f"data:text/csv;charset=utf-8,{quote(csv)}"
