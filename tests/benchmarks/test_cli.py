from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.cli import COMMANDS, main
from support.cli import ENVIRONMENT, call, call_here
from support.studies import write_study

MODULE = "benchmarks.cli"


def test_help_names_every_command_and_imports_nothing_slow(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--help"]) == main([]) == 0
    said = capsys.readouterr().out
    for name in COMMANDS:
        assert f"\n  {name} " in said
    code = (
        "import sys; from benchmarks.cli import main; main(['--help']); main(['list'])\n"
        "for name in ('run', 'record', 'report', 'list'): assert main([name, '--help']) == 0\n"
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
    assert "no command reprot; did you mean 'report'? (allowed: run, list, report, " in said


def test_a_list_has_each_choice_on_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "method", "task"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "method=NAME"
    assert any(line.startswith("  fabolas  ") and "Klein et al. 2017" in line for line in lines)
    assert any(line.startswith("  svm_mnist  ") for line in lines)
    assert main(["list", "methods", "tasks"]) == 0
    assert capsys.readouterr().out.splitlines() == lines
    assert main(["list", "tsaks"]) == 2
    said = capsys.readouterr().err
    assert said == (
        "error: no list of tsaks; did you mean 'tasks'? "
        "(allowed: methods, tasks, budgets, experiments, studies)\n"
    )


def test_studies_are_listed_with_their_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["list", "studies"]) == 0
    assert capsys.readouterr().out == "study=NAME\n  none here\n"
    write_study(tmp_path / "results/runs/mine")
    assert main(["list", "studies"]) == 0
    assert capsys.readouterr().out == "study=NAME\n  mine  12 runs: 2 methods, 2 tasks\n"
    assert main(["list"]) == 0
    groups = [line for line in capsys.readouterr().out.splitlines() if line.endswith("=NAME")]
    assert groups == ["method=NAME", "task=NAME", "budget=NAME", "experiment=NAME", "study=NAME"]


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("run", "untunable run -m method=random,fabolas"),
        ("record", "--status         print how many evaluations are left"),
        ("summary", "markdown=FILE"),
        ("report", "price=USD"),
        ("figure_data", "data_dir=FOLDER"),
        ("list", "untunable list experiments studies"),
    ],
)
def test_every_command_has_a_help(command: str, says: str, tmp_path: Path) -> None:
    done = call_here(tmp_path, command, "--help", module=MODULE)
    assert done.returncode == 0, done.stderr
    assert says in done.stdout
    assert done.stdout == call_here(tmp_path, "help", command, module=MODULE).stdout
    for part in ("usage: untunable ", "examples:"):
        assert part in done.stdout
    assert not list(tmp_path.iterdir())


def test_run_works_and_a_sweep_may_be_asked_for_anywhere(tmp_path: Path) -> None:
    quick = ("task=branin", "budget.trials=2", "plot=false")
    sweep = ("run", "method=random", "-m", *quick, "seed=0,1")
    done = call(tmp_path, *sweep, module=MODULE)
    assert done.returncode == 0, done.stderr
    runs = tmp_path / "results" / "runs" / "default" / "branin"
    assert len(list(runs.glob("*/seed-*/trace.jsonl"))) == 2
    done = call_here(tmp_path, "summary", "results/runs/default", module=MODULE)
    assert done.returncode == 0, done.stderr
    assert "branin" in done.stdout


def test_classes_in_the_folder_of_the_user_are_found(tmp_path: Path) -> None:
    """The installed command does not have the current folder on its path, unlike python -m."""
    script = tmp_path / "bin" / "untunable"
    script.parent.mkdir()
    script.write_text("import sys\nfrom benchmarks.cli import main\nsys.exit(main())\n")
    work = tmp_path / "work"
    (work / "conf" / "method").mkdir(parents=True)
    (work / "mine.py").write_text("from methods import RandomSearch as Mine\n")
    (work / "conf/method/mine.yaml").write_text("_target_: mine.Mine\nname: mine\n")
    own = [f"hydra.searchpath=[file://{work / 'conf'}]", "allow=[mine]", "method=mine"]
    done = subprocess.run(
        [sys.executable, str(script), "run", *own, "task=branin", "budget.trials=1", "plot=false"],
        cwd=work, env=ENVIRONMENT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
