from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

from analysis.report import main as report
from benchmarks.figure_data import main
from support.cli import ENVIRONMENT, call_here

MODULE = "benchmarks.figure_data"


def test_it_writes_the_toy_and_a_map_of_every_recorded_task(tmp_path: Path) -> None:
    done = call_here(tmp_path, "experiment=methods_check", module=MODULE)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "results" / "methods_check" / "data"
    assert sorted(path.name for path in folder.iterdir()) == [
        "maps_svm_mnist.csv", "multitask_toy.csv", "multitask_toy_points.csv", "sources.csv",
    ]  # fmt: skip
    maps = pd.read_csv(folder / "maps_svm_mnist.csv")
    assert list(maps) == ["log_c", "log_gamma", "fidelity", "loss", "cost"]
    assert maps.fidelity.nunique() == 4


def test_runs_at_scaled_costs_get_the_maps_of_their_table(tmp_path: Path) -> None:
    written = []
    for study, *hours in (["plain"], ["scaled", "task.hours_per_training=4.2"]):
        quick = ("method=random", "task=svm_mnist", "budget.trials=2", "plot=false")
        done = call_here(tmp_path, f"study={study}", *quick, *hours)
        assert done.returncode == 0, done.stderr
        done = call_here(tmp_path, f"study={study}", module=MODULE)
        assert done.returncode == 0, done.stderr
        written.append((tmp_path / f"results/{study}/data/maps_svm_mnist.csv").read_bytes())
    assert written[0] == written[1]


@pytest.mark.skipif(find_spec("torch") is not None, reason="torch is here, and would train")
def test_without_torch_the_rest_is_written_and_one_line_says_what_is_not(tmp_path: Path) -> None:
    done = call_here(tmp_path, "experiment=cars_talk", module=MODULE)
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
        ([], "study=NAME is missing"),
        (["experiment=method_check"], "did you mean 'methods_check'"),
        (["study=../x"], "must be the name of a folder in results, without slashes"),
        (["experimen=x"], "unknown key experimen; did you mean 'experiment'? (allowed: study, "),
        (["study=x", "runs=nowhere"], "no runs below nowhere"),
    ],
)
def test_bad_arguments_are_one_line(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    text = capsys.readouterr().err
    assert message in text
    assert text.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_help_says_what_it_writes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for part in ("maps of recorded tasks", "study=NAME", "data_dir=FOLDER", "photos=FILE"):
        assert part in text


OWN = """
from tasks import RecordedTask


class Replay(RecordedTask):
    def __init__(self):
        super().__init__("svm_mnist")
"""


@pytest.mark.slow
def test_a_study_of_classes_of_the_user_gets_its_maps_and_the_report_shows_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a run of a class outside this repository to the figure that needs its table."""
    (tmp_path / "mine.py").write_text(OWN)
    conf = tmp_path / "conf" / "task"
    conf.mkdir(parents=True)
    (conf / "mine.yaml").write_text("_target_: mine.Replay\nname: mine\n")
    own = [f"hydra.searchpath=[file://{conf.parent}]", "allow=[mine]", "task=mine", "study=own"]
    quick = ("method=random", "budget.trials=3", "plot=false")
    run = [sys.executable, "-m", "benchmarks.run", *own, *quick]
    done = subprocess.run(
        run, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    monkeypatch.syspath_prepend(tmp_path)  # as ``python -m`` does
    done = call_here(tmp_path, "study=own", module=MODULE)
    assert done.returncode == 0, done.stderr
    data = tmp_path / "results" / "own" / "data"
    # no method of the study has a multi-task model, so there is no toy
    assert sorted(path.name for path in data.iterdir()) == ["maps_mine.csv", "sources.csv"]
    done = call_here(tmp_path, "runs=results/runs/own", "study=x", "out=there", module=MODULE)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "there/maps_mine.csv").read_bytes() == (data / "maps_mine.csv").read_bytes()
    monkeypatch.chdir(tmp_path)
    assert report(["study=own"]) == 0
    assert Path("results/own/figures/landscape-mine.png").exists()

    # a class that no longer works is one line, whatever it raises
    head = "from benchmarks.core.protocols import Task\n"
    body = "def Replay() -> Task: raise RuntimeError('not\\ntoday')\n"
    (tmp_path / "mine.py").write_text(head + body)
    monkeypatch.delitem(sys.modules, "mine")
    done = call_here(tmp_path, "study=own", module=MODULE)
    assert done.returncode == 1
    assert done.stderr == "not written: task=mine: RuntimeError: not today\n"
