from __future__ import annotations

from pathlib import Path

import pytest

from analysis.data.study import from_traces
from analysis.page import sections
from analysis.page.failure_table import failed_trials
from analysis.page.figure_data import FigureData
from support.studies import write_full_run


def test_a_row_for_each_reason(tmp_path: Path) -> None:
    write_full_run(tmp_path / "one/m/seed-0")
    table = from_traces(tmp_path).table
    with pytest.raises(ValueError, match="all trials were ok"):
        failed_trials(table)
    table.loc[[1, 2, 5], "reason"] = ["failed: E", "timeout: 9 s", "failed: E"]
    made = failed_trials(table).data
    assert made.to_dict("records") == [
        {"task": "one", "method": "m", "trials": 12, "reason": "failed: E", "not ok": 2},
        {"task": "one", "method": "m", "trials": 12, "reason": "timeout: 9 s", "not ok": 1},
    ]
    (section,) = [each for each in sections.SECTIONS if each.name == "tables"]
    context = sections.ReportContext(table, FigureData("s", tmp_path))
    assert "failures" in [entry.name for entry in section.entries(context)]
