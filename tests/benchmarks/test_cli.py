from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.cli import COMMANDS, main


def call(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.cli", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_help_names_every_command_and_imports_nothing_slow(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--help"]) == main([]) == 0
    said = capsys.readouterr().out
    for name in COMMANDS:
        assert f"\n  {name} " in said
    code = (
        "import sys; from benchmarks.cli import main; main(['--help']); main(['list'])\n"
        "heavy = {'hydra', 'scipy', 'pandas', 'matplotlib', 'sklearn'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_command_that_is_not_there_brings_the_nearest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["reprot"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "no command reprot: allowed are run, list, report" in said
    assert "did you mean report?" in said


def test_a_list_has_each_choice_on_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "method", "task"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "method="
    assert any(line.startswith("  fabolas  ") and "Klein et al. 2017" in line for line in lines)
    assert any(line.startswith("  svm_mnist  ") for line in lines)
    assert main(["list", "tasks"]) == 2


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("run", "untunable run -m method=random,fabolas"),
        ("record", "--status"),
        ("summary", "--markdown"),
    ],
)
def test_every_command_has_a_help(command: str, says: str, tmp_path: Path) -> None:
    done = call(tmp_path, command, "--help")
    assert done.returncode == 0, done.stderr
    assert says in done.stdout
    assert not list(tmp_path.iterdir())


def test_run_works_and_a_sweep_may_be_asked_for_anywhere(tmp_path: Path) -> None:
    quick = ("task=branin", "budget.trials=2", "plot=false")
    done = call(tmp_path, "run", "method=random", "-m", *quick, "seed=0,1")
    assert done.returncode == 0, done.stderr
    runs = tmp_path / "results" / "runs" / "default" / "branin"
    assert len(list(runs.glob("*/seed-*/trace.jsonl"))) == 2
    done = call(tmp_path, "summary", "results/runs/default")
    assert done.returncode == 0, done.stderr
    assert "branin" in done.stdout
