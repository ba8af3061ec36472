from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.core.trial import Observation, Suggestion
from benchmarks.engines.evaluate import evaluate
from support.waiting import wait_for
from tasks import Command

ROOT = Path(__file__).resolve().parents[2]
EVIL = "two words; $(touch hacked) 'x'"
SPACE = {
    "lr": {"kind": "float", "low": 1e-4, "high": 1.0, "log": True},
    "name": {"kind": "categorical", "choices": ["plain", EVIL]},
}
FIDELITY = {"low": 1, "full": 9, "unit": "epochs"}
SCRIPT = """
import argparse, json, os, pathlib, sys, time
p = argparse.ArgumentParser()
p.add_argument("--lr", type=float); p.add_argument("--name"); p.add_argument("--epochs", type=int)
p.add_argument("--checkpoint"); p.add_argument("--do", default="train")
a = p.parse_args()
if a.do == "fail": print("lost the disk", file=sys.stderr); sys.exit(3)
if a.do == "hang": open("child", "w").write(str(os.getpid())); time.sleep(100)
if a.do == "silent": print("done"); sys.exit()
if a.do == "nan": print(json.dumps({"loss": float("nan")})); sys.exit()
done = 0
if a.checkpoint:
    state = pathlib.Path(a.checkpoint, "epochs")
    done = int(state.read_text()) if state.exists() else 0
    state.write_text(str(a.epochs))
print("an epoch", flush=True)
result = {"loss": a.lr, "test_loss": 2 * a.lr, "cost": float(a.epochs - done), "name": a.name}
print(json.dumps(result))
print("{not json")
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(SCRIPT)
    return tmp_path


def command(extra: str = "", **options: Any) -> Command:
    words = f"{sys.executable} train.py --lr {{lr}} --name {{name}} --epochs {{native}} {extra}"
    return Command(**{"command": words, "space": SPACE, "fidelity": FIDELITY} | options)


def run(
    task: Command, fidelity: float = 1.0, name: str = "plain", trained: float = 0
) -> Observation:
    suggestion = Suggestion({"lr": 0.25, "name": name}, fidelity)
    return evaluate(task, suggestion, np.random.default_rng(0), trained)


def test_the_last_line_of_json_is_the_result(here: Path) -> None:
    seen = run(command(), 1 / 3)
    assert (seen.status, seen.loss, seen.test_loss, seen.cost) == ("ok", 0.25, 0.5, 3.0)
    log = Path(seen.info["log"])
    assert "an epoch" in log.with_suffix(".out").read_text()
    assert log.is_relative_to("results/logs")


def test_a_value_is_one_argument_and_no_shell_reads_it(here: Path) -> None:
    seen = run(command(), name=EVIL)
    assert seen.status == "ok"
    assert EVIL in Path(seen.info["log"]).with_suffix(".out").read_text().replace('\\"', '"')
    assert not (here / "hacked").exists()


def test_an_exit_code_is_a_failure_with_the_last_line(here: Path) -> None:
    seen = run(command("--do fail"))
    assert (seen.status, seen.info["error"]) == ("failed", "exit code 3: lost the disk")
    assert seen.cost > 0


@pytest.mark.parametrize(
    ("what", "status", "error"),
    [
        ("silent", "failed", "the command printed no line of JSON with a loss"),
        ("nan", "diverged", "loss was nan"),
    ],
)
def test_results_that_are_none(here: Path, what: str, status: str, error: str) -> None:
    seen = run(command(f"--do {what}"))
    assert (seen.status, seen.info["error"]) == (status, error)


def test_a_command_that_is_not_there_is_one_line(here: Path) -> None:
    seen = run(command(command="no_such_program {lr}"))
    assert seen.status == "failed"
    assert seen.info["error"].startswith("no_such_program: No such file")


def test_the_time_limit_kills_its_whole_group(here: Path) -> None:
    started = time.monotonic()
    seen = run(command("--do hang", time_limit=1.5))
    assert (seen.status, seen.cost) == ("timeout", 1.5)
    assert time.monotonic() - started < 30
    pid = int((here / "child").read_text())
    wait_for(lambda: not _alive(pid))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_training_is_continued_from_its_checkpoint(here: Path) -> None:
    task = command("--checkpoint {checkpoint}", resumable=True)
    first, second = run(task, 1 / 3), run(task, 1.0, trained=1 / 3)
    assert (first.cost, second.cost) == (3.0, 6.0)
    (folder,) = (here / "results/checkpoints").iterdir()
    assert (folder / "epochs").read_text() == "9"


def test_a_value_to_maximise_is_negated(here: Path) -> None:
    assert run(command(maximise=True)).loss == -0.25


def test_environment_and_folder(here: Path) -> None:
    (here / "elsewhere").mkdir()
    code = "import os, json; loss, cost = float(os.environ['LOSS']), len(os.getcwd())\n"
    code += "print(json.dumps({'loss': loss, 'cost': cost}))"
    (here / "elsewhere/x.py").write_text(code)
    program = f"{sys.executable} x.py"
    task = command(command=program, environment={"LOSS": "0.5"}, folder="elsewhere")
    seen = run(task)
    assert (seen.loss, seen.cost) == (0.5, len(str(here / "elsewhere")))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"command": "train {lrr}"}, r"\{lrr\} is no placeholder; did you mean 'lr'"),
        ({"command": "train {lr"}, "train|expected"),
        ({"command": "train 'x"}, "No closing quotation"),
        ({"command": " "}, "is empty"),
        ({"resumable": True}, "{checkpoint} to"),
        ({"fidelity": {"full": 9}}, "either low or values"),
        ({"fidelity": {"full": 9, "lows": 1}}, "did you mean 'low'"),
        ({"space": {"lr": {"kind": "flot"}}}, "lr.kind=flot"),
        ({"space": {"seed": {"kind": "integer", "low": 1, "high": 2}}, "command": "x"}, "seed"),
        ({"seeds": 0}, "task.seeds=0"),
    ],
)
def test_mistakes_are_one_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        command(**options)
    assert "\n" not in str(error.value)


def test_a_command_of_a_yaml_runs_only_if_the_user_says_so(here: Path) -> None:
    (here / "my_conf/task").mkdir(parents=True)
    yaml = "_target_: tasks.Command\nname: mine\nspace: {lr: {kind: float, low: 0, high: 1}}\n"
    text = f"command: {sys.executable} train.py --lr {{lr}} --epochs 3\n"
    (here / "my_conf/task/mine.yaml").write_text(yaml + text)
    given = ("hydra.searchpath=[file://my_conf]", "task=mine", "method=random", "plot=false")

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "benchmarks.run", *given, "budget.trials=2", *words]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            command, cwd=here, env=environment, capture_output=True, text=True, check=False
        )

    refused = call()
    assert refused.returncode == 2
    assert "task=mine runs a command: " in refused.stderr
    assert "allow_command=true" in refused.stderr
    assert not (here / "results/logs").exists()
    assert call("+task.allow_command=true").returncode == 2
    allowed = call("allow_command=true")
    assert allowed.returncode == 0, allowed.stderr
    assert "in 2 trials" in allowed.stdout


@pytest.mark.parametrize("bad", [{"low": "x"}, {"values": 4}, {"values": ["a", 10]}])
def test_fidelities_that_are_no_numbers_are_named(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"task.fidelity=.*low must be a number, values a list"):
        Command("train", SPACE, {"full": 10, **bad})
