from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from urllib.parse import unquote

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


def _read(html: str) -> list[tuple[str, dict[str, str | None]]]:
    reader = _Reader()
    reader.feed(html)
    return reader.tags


def _tags(html: str, name: str) -> list[dict[str, str | None]]:
    return [attributes for tag, attributes in _read(html) if tag == name]


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
    assert r"![\<T\>](figures/name%20one.png)" in text
    assert "[CSV](figures/name%20one.csv), [SVG](figures/name%20one.svg)" in text
    assert "| m\\<1\\> |\n|---|\n| x & y |" in text
    assert "Not shown: one task only." in text
    assert "- Seeds: 0 to 9" in text


def test_names_of_others_are_no_markup() -> None:
    name = "<img src=x onerror=alert(1)>|`[a](http://x)\n# '\"></script>"
    cells = pd.DataFrame({name: [name, "=1+1", "-2.5"]})
    figure = PageFigure(name, name, PNG, "a\n", "figures/a", 1)
    elements = [figure, PageTable(name, name, cells, "tables/t"), Absent(name, name)]
    page = Page(name, [name], [Section("s", name, elements)], [("Seeds", [name])], cells)
    html = render(page)
    assert {tag for tag, _ in _read(html)} <= {
        "html", "head", "meta", "link", "title", "style", "body", "header", "h1", "ul", "li", "nav",
        "a", "main", "section", "h2", "h3", "figure", "div", "img", "figcaption", "p", "table",
        "thead", "tbody", "tr", "th", "td", "dl", "dt", "dd", "details", "summary",
    }  # fmt: skip
    assert all(set(a) == {"src", "alt", "style"} for a in _tags(html, "img"))
    (csv,) = [a["href"] for a in _tags(html, "a") if a.get("download") == "t.csv"]
    assert "'=1+1\n-2.5" in unquote(str(csv))
    text = as_markdown(page)
    assert not re.search(r"(?<!\\)[<>`]", text)
    assert not re.search(r"(?<!\\)\]\(http", text)
    assert {line[:2] for line in text.splitlines() if line.startswith("#")} == {"# ", "##"}
    assert len([line for line in text.splitlines() if line.startswith("# ")]) == 1
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {2}


def test_a_long_csv_is_linked_to_as_a_file_beside_the_page() -> None:
    links = [a["href"] for a in _tags(_page("x" * (INLINE + 1)), "a")]
    assert "figures/name%20one.csv" in links
