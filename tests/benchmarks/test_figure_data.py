from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.figure_data import main, tasks_of
from support.cli import call

MODULE = "benchmarks.figure_data"


def test_the_tasks_of_an_experiment_are_those_it_sweeps_over() -> None:
    assert "svm_mnist" in tasks_of("methods_check")
    assert "branin" in tasks_of("methods_check")
    assert (
        tasks_of("cars_talk_quick") == tasks_of("cars_talk") == ["cars_head", "cars_head_boosting"]
    )


def test_it_writes_the_toy_and_a_map_of_every_recorded_task(tmp_path: Path) -> None:
    done = call(tmp_path, "experiment=methods_check", module=MODULE)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "results" / "methods_check" / "data"
    assert sorted(path.name for path in folder.iterdir()) == [
        "maps_svm_mnist.csv", "multitask_toy.csv", "multitask_toy_points.csv", "sources.csv",
    ]  # fmt: skip
    maps = pd.read_csv(folder / "maps_svm_mnist.csv")
    assert list(maps) == ["log_c", "log_gamma", "fidelity", "loss", "cost"]
    assert maps.fidelity.nunique() == 4


@pytest.mark.skipif(find_spec("torch") is not None, reason="torch is here, and would train")
def test_without_torch_the_rest_is_written_and_one_line_says_what_is_not(tmp_path: Path) -> None:
    done = call(tmp_path, "experiment=cars_talk", module=MODULE)
    assert done.returncode == 1
    assert done.stderr == (
        "not written: task=cars_head: No module named 'torch': pip install -e '.[cars]'\n"
    )
    folder = tmp_path / "results" / "cars_talk" / "data"
    assert sorted(path.name for path in folder.iterdir()) == [
        "multitask_toy.csv", "multitask_toy_points.csv", "recorded_cars_head.csv", "sources.csv",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "experiment=NAME is missing"),
        (["experiment=method_check"], "did you mean 'methods_check'"),
        (["experimen=x"], "unknown key experimen; did you mean 'experiment'"),
    ],
)
def test_bad_arguments_are_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    text = capsys.readouterr().err
    assert message in text
    assert text.count("\n") == 1
