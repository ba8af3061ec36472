from __future__ import annotations

import base64
import re
from html.parser import HTMLParser

import pandas as pd

from analysis.page.page import (
    INLINE,
    Absent,
    Page,
    PageFigure,
    PageTable,
    Section,
    as_markdown,
    render,
)

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def _tags(html: str, name: str) -> list[dict[str, str | None]]:
    reader = _Reader()
    reader.feed(html)
    return [attributes for tag, attributes in reader.tags if tag == name]


def _content(csv: str = "a,b\n1,2\n") -> Page:
    figure = PageFigure("<T>", 'caption "quoted" & <b>', PNG, csv, "figures/name one", 1)
    table = PageTable("Table", "says", pd.DataFrame({"m<1>": ["x & y", "z" * 80]}), "tables/t")
    elements = [figure, table, Absent("Ranks", "one task only")]
    made = [("Seeds", ["0 to 9"])]
    return Page("A & B", ["line <1>"], [Section("s", "Section", elements)], made)


def _page(csv: str = "a,b\n1,2\n") -> str:
    return render(_content(csv))


def test_everything_is_inside_the_page_and_nothing_runs() -> None:
    html = _page()
    (image,) = _tags(html, "img")
    assert image["src"] == f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    assert image["alt"] == 'caption "quoted" & <b>'
    assert not _tags(html, "script")
    assert not re.search(r"https?://", html)
    for tag in ("a", "link"):
        assert all(str(a["href"]).startswith(("data:", "#")) for a in _tags(html, tag))
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in _tags(
        html, "meta"
    )


def test_texts_are_escaped_and_all_are_there() -> None:
    html = _page()
    for text in ("<title>A &amp; B</title>", "line &lt;1&gt;", "m&lt;1&gt;", "x &amp; y",
                 "Not shown: one task only.", "0 to 9", '<td class="long">zzz'):  # fmt: skip
        assert text in html
    assert "<b>" not in html


def test_as_markdown_it_shows_the_files_beside_it() -> None:
    text = as_markdown(_content())
    assert "![<T>](figures/name%20one.png)" in text
    assert "[CSV](figures/name%20one.csv), [SVG](figures/name%20one.svg)" in text
    assert "| m<1> |\n|---|\n| x & y |" in text
    assert "Not shown: one task only." in text
    assert "- Seeds: 0 to 9" in text


def test_a_long_csv_is_linked_to_as_a_file_beside_the_page() -> None:
    links = [a["href"] for a in _tags(_page("x" * (INLINE + 1)), "a")]
    assert "figures/name%20one.csv" in links
