from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from analysis.page.cars_case_study import baseline, gained, with_photos
from analysis.page.figure_data import FigureData


@pytest.fixture
def data(tmp_path: Path) -> FigureData:
    (tmp_path / "recorded_t.csv").write_text(
        "config,training_seed,test_loss\nbaseline,0,0.7\nbaseline,1,0.8\ntuned,0,0.4\n"
    )
    (tmp_path / "predictions_t.csv").write_text(
        "file,label,baseline,tuned,training_seed,shown,jpeg\n"
        "test/1.jpg,0,1,0,0,1,test-1.jpg\ntest/2.jpg,1,1,0,0,0,test-2.jpg\n"
        "test/3.jpg,1,1,1,0,0,test-3.jpg\ntest/4.jpg,1,0,0,0,0,test-4.jpg\n"
    )
    (tmp_path / "classes_t.csv").write_text("class,name\n0,One Car\n")
    (tmp_path / "sources.csv").write_text("file,table\nrecorded_t.csv,oldoldold\n")
    return FigureData("study", tmp_path)


def test_gains_are_over_the_baselines_mean(data: FigureData) -> None:
    rows = pd.DataFrame({
        "task": "t", "method": "multitask", "seed": [0, 1], "replays": "newnewnew",
        "test_recommended": [0.45, 0.35], "total_cost": 1.0, "budget": 1.0,
    })  # fmt: skip
    shown = baseline(rows, "t", data)
    found = shown.data.set_index("config")
    assert found.loc["baseline", "test accuracy [%]"] == "25.0 (20.0 to 30.0)"
    assert found.loc["best recorded config", "gain [points]"] == "+35.0"
    assert found.loc["tuned by multitask", "test accuracy [%]"] == "60.0 (57.5 to 62.5)"
    assert found.loc["tuned by multitask", "the talk, ResNet-50"] == "47.99 %, +1.58 points"
    assert "another version of the table (oldoldol) than the one" in shown.caption
    assert "that the runs replay (newnewne)" in shown.caption


def test_photos_are_counted_and_those_shown_named(data: FigureData) -> None:
    shown = gained("t", data)
    assert shown.data.to_numpy().tolist() == [["test/1.jpg", "One Car", "class 1"]]
    assert "gets 50.0% right" in shown.caption
    assert (
        "1 are right by the tuned config only, 1 by the baseline only, 1 by both" in shown.caption
    )
    assert "and 1 by neither" in shown.caption


def test_what_is_missing_names_the_command(data: FigureData, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"benchmarks.figure_data study=study writes it"):
        gained("other", data)
    with pytest.raises(ValueError, match="none of the photos"):
        with_photos("t", data, tmp_path)


def test_photos_are_found_by_the_name_that_they_were_written_under(
    data: FigureData, tmp_path: Path
) -> None:
    (tmp_path / "test-1.jpg").touch()
    (tmp_path / "test-2.jpg").touch()
    found = with_photos("t", data, tmp_path)
    assert found.to_dict("records") == [{
        "path": tmp_path / "test-1.jpg", "file": "test/1.jpg", "label": "One Car",
        "baseline": "class 1",
    }]  # fmt: skip
