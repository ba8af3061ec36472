from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.data.study import from_traces
from support.studies import write_study


def _damage(study: Path) -> tuple[Path, Path, Path]:
    """Three runs that cannot be read: a line torn in the middle, no JSON, a foreign trace."""
    torn, garbled, foreign = sorted(study.rglob("trace.jsonl"))[:3]
    lines = torn.read_text().splitlines(keepends=True)
    torn.write_text(lines[0][:20] + "\n" + "".join(lines[1:]))
    (garbled.parent / "meta.json").write_text("{")
    foreign.write_text(json.dumps({"step": 1}) + "\n")
    return torn, garbled.parent / "meta.json", foreign.parent


def test_runs_that_cannot_be_read_are_left_out_and_named(tmp_path: Path) -> None:
    write_study(tmp_path)
    whole = from_traces(tmp_path)
    damaged = _damage(tmp_path)
    read = from_traces(tmp_path)
    assert len(read.runs) == len(whole.runs) - 3
    assert len(read.analysed) == len(whole.analysed) - 3
    kept = {(run.task, run.method, run.seed) for run in read.analysed}
    names = ["task", "method", "seed"]
    same = [key in kept for key in whole.table[names].itertuples(index=False, name=None)]
    assert read.table.equals(whole.table[same].reset_index(drop=True))
    said = [line for line in read.selection.lines if line.startswith("Left out, cannot be read: ")]
    assert len(said) == 3
    assert all(any(str(path) in line for line in said) for path in damaged)
    assert not any("No run is missing" in line for line in read.selection.lines)


def test_a_study_without_a_readable_run_is_an_error(tmp_path: Path) -> None:
    write_study(tmp_path, seeds=1)
    for trace in tmp_path.rglob("trace.jsonl"):
        trace.write_text('{"step": 1}\n')
    with pytest.raises(ValueError, match=r"trace\.jsonl is not a trace: Object missing"):
        from_traces(tmp_path)
