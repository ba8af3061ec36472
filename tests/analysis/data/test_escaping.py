from __future__ import annotations

import pandas as pd
import pytest

from analysis.data.escaping import code, csv, markdown, markdown_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ei,method.x=[1]", "ei,method.x=[1]"),
        ("cost [full trainings]", "cost [full trainings]"),
        ("a|b", r"a\|b"),
        (r"a\|b", r"a\\\|b"),
        ("<b>", r"\<b\>"),
        ("`rm`", r"\`rm\`"),
        ("[a](b)", r"[a\](b)"),
        ("[a][b]", r"[a\][b]"),
        ("[a]: http://x", r"[a\]: http://x"),
        ("&lt; & &#60;", r"\&lt; & \&#60;"),
        ("two\n\nlines\t", "two lines"),
        (0.5, "0.5"),
    ],
)
def test_markdown_shows_texts_as_they_are(text: object, shown: str) -> None:
    assert markdown(text) == shown


def test_in_a_link_and_at_the_start_of_a_line() -> None:
    assert markdown("[a](b)\\]", inside_link=True) == r"\[a\](b)\\\]"
    for text in ("# a", "- a", "+ a", "~~~", "==="):
        assert markdown_line(text) == f"\\{text}"
    for text in ("-1", "a - b", "12 of 13", "<b>"):
        assert markdown_line(text) == markdown(text)


def test_code_has_no_backticks_inside() -> None:
    assert code("a `b`\nc") == "`a 'b' c`"


def test_no_text_in_csv_is_a_formula() -> None:
    data = pd.DataFrame({
        "=name": ["=1+1", "+a", "-a", "@a", "\tx", "a=1"],
        "number": [-1.5, 2, 3, 4, 5, 6],
        "text of numbers": ["-1.5", "+2", "-inf", "1e3", "", None],
    })  # fmt: skip
    safe = csv(data)
    assert safe["'=name"].tolist() == ["'=1+1", "'+a", "'-a", "'@a", "'\tx", "a=1"]
    assert safe["number"].tolist() == data["number"].tolist()
    assert safe["text of numbers"].tolist()[:5] == ["-1.5", "+2", "-inf", "1e3", ""]
    assert list(data) == ["=name", "number", "text of numbers"]
    assert csv(pd.DataFrame()).empty
