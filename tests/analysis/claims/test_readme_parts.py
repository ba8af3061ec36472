from __future__ import annotations

from pathlib import Path

import pytest

from analysis.claims.readme import PART, parts, rewritten

ROOT = Path(__file__).resolve().parents[3]


def test_the_results_in_readme_are_those_of_the_committed_files() -> None:
    text = (ROOT / "README.md").read_text()
    assert {part["name"] for part in PART.finditer(text)} == set(parts(ROOT / "results"))
    assert rewritten(text, ROOT / "results") == text


def test_a_part_that_nothing_writes_is_refused() -> None:
    with pytest.raises(ValueError, match="results: other: no such part"):
        rewritten("<!-- results: other -->\n<!-- end of results -->", ROOT / "results")
