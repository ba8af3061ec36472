"""Render a report as a self-contained HTML page and as Markdown that links to its files.

The HTML page works without a network and without scripts. It embeds its figures and tables; only
long CSV files are linked to.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import jinja2
import pandas as pd

from analysis.data.escaping import csv, markdown, markdown_line
from analysis.page.tables import to_markdown

INLINE = 60_000  # characters; the page links to a longer CSV instead of embedding it


@dataclass(frozen=True)
class PageFigure:
    """A figure on the page."""

    title: str
    caption: str
    png: bytes
    csv: str
    files: str
    """path of its files relative to the page, without the suffix"""
    pixels: int
    """width of the image; text remains legible at half this width"""

    @property
    def source(self) -> str:
        """The image as a ``data:`` URI."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode()}"

    @property
    def csv_link(self) -> str:
        """Link to the data of the figure: a ``data:`` URI, or a path if the CSV is long."""
        return _link(self.csv, f"{self.files}.csv")

    @property
    def name(self) -> str:
        """Name of its files, without folder and suffix."""
        return Path(self.files).name


@dataclass(frozen=True)
class PageTable:
    """A table on the page."""

    title: str
    caption: str
    data: pd.DataFrame
    files: str
    """path of its files relative to the page, without the suffix"""

    @property
    def csv_link(self) -> str:
        """Link to the table as CSV: a ``data:`` URI, or a path if the CSV is long."""
        return _link(csv(self.data).to_csv(index=False), f"{self.files}.csv")

    @property
    def name(self) -> str:
        """Name of its files, without folder and suffix."""
        return Path(self.files).name


@dataclass(frozen=True)
class Absent:
    """A notice in place of a figure or table that could not be made."""

    title: str
    reason: str
    """why it could not be made, without a full stop"""


@dataclass(frozen=True)
class Section:
    """A section of the page: its heading and the figures and tables below it."""

    name: str
    """anchor of the section"""
    title: str
    elements: Sequence[PageFigure | PageTable | Absent]


@dataclass(frozen=True)
class Page:
    """The content of a report."""

    title: str
    lines: Sequence[str]
    """sentences about the runs that were analysed and those left out"""
    sections: Sequence[Section]
    provenance: Sequence[tuple[str, Sequence[str]]] = field(default=())
    """how the report was made: names, such as ``Seeds`` or ``Machines``, and their values"""
    coverage: pd.DataFrame = field(default_factory=pd.DataFrame)
    """number and seeds of the runs per task and method; see ``analysis.data.selection``"""


def render(page: Page) -> str:
    """Render a page as HTML. All texts are escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests["figure"] = lambda element: isinstance(element, PageFigure)
    environment.tests["table"] = lambda element: isinstance(element, PageTable)
    return environment.get_template("page.html").render(page=page)


def as_markdown(page: Page) -> str:
    """Render a page as Markdown, for readers of the repository.

    Figures are links to the files beside the page; tables are copied into it. All texts are shown
    as they are.
    """
    lines = [f"# {markdown(page.title)}", "", *(f"- {markdown_line(line)}" for line in page.lines)]
    lines.append("")
    for section in page.sections:
        lines += [f"## {markdown(section.title)}", ""]
        for element in section.elements:
            lines += [f"### {markdown(element.title)}", ""] if element.title else []
            if isinstance(element, Absent):
                lines += [f"Not shown: {markdown(element.reason)}.", ""]
            elif isinstance(element, PageFigure):
                link = quote(element.files)
                title = markdown(element.title or section.title, inside_link=True)
                lines += [f"![{title}]({link}.png)", ""]
                caption = markdown_line(element.caption)
                lines += [f"{caption} [CSV]({link}.csv), [SVG]({link}.svg)", ""]
            else:
                lines += [to_markdown(element.data), markdown_line(element.caption), ""]
    lines += ["## How this report was made", ""]
    lines += [f"- {name}: {markdown('; '.join(values))}" for name, values in page.provenance]
    return "\n".join(lines) + "\n"


def _link(content: str, beside: str) -> str:
    if len(content) > INLINE:
        return quote(beside)
    return f"data:text/csv;charset=utf-8,{quote(content)}"
