from __future__ import annotations

import csv
from pathlib import Path

import pytest

from analysis.first_run import main, write_first_run
from support.studies import write_full_run


def test_the_picture_and_the_numbers_of_a_run_are_kept(tmp_path: Path) -> None:
    run = tmp_path / "one/random/seed-0"
    write_full_run(run, trials=4)
    (run / "regret.png").write_bytes(b"picture")
    write_first_run(run, tmp_path / "kept")
    assert (tmp_path / "kept/regret.png").read_bytes() == b"picture"
    with (tmp_path / "kept/facts.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (row["trials"], row["minutes"], row["best_loss"]) == ("4", "0.2", "10.00%")
    assert (row["commit"], row["machine"]) == ("c0ffee0", "some cpu")


def test_mistakes_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert main([f"runs={tmp_path}"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2
