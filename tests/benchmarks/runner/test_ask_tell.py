from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.data.study import from_traces
from benchmarks.ask_tell import ask, run_of, tell
from benchmarks.components import build_task
from benchmarks.engines.base import stream
from benchmarks.runner import loop
from benchmarks.runner.ask_tell import AskTell
from benchmarks.runner.execute import run
from benchmarks.runner.run_folder import path_of
from benchmarks.settings import ConfigError, RunSettings, parse_run
from support.settings import composed


def settings(method: str = "fabolas", *overrides: str) -> RunSettings:
    words = (f"method={method}", "task=branin", "study=s", "plot=false", *overrides)
    return parse_run(composed(*words))


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "trace.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("method", ["fabolas", "hyperband", "random"])
def test_asking_and_telling_gives_the_trials_of_a_run(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given = settings(method, "budget.trials=12")
    folder = tmp_path / "told"
    AskTell(folder, given)  # names the run; nothing is written before the first ask
    task = build_task(given.task, [])
    for number in range(12):
        asked = AskTell(folder, given if number == 0 else None).ask()
        assert asked is not None
        assert asked["trial"] == number
        seen = task.evaluate(asked["config"], asked["fidelity"], stream(0, number, "evaluate"))
        AskTell(folder).tell(number, seen.loss, seen.cost)
    whole = tmp_path / "run"
    assert run(given, whole) == "finished"
    for name in ("config", "fidelity", "loss", "cost", "recommended", "note"):
        assert [row[name] for row in rows(folder)] == [row[name] for row in rows(whole)]


def test_several_may_be_asked_for_before_one_is_told(tmp_path: Path) -> None:
    run_ = AskTell(tmp_path, settings("fabolas"))
    asked = [run_.ask() for _ in range(4)]
    assert [each["trial"] for each in asked if each] == [0, 1, 2, 3]
    configs = {json.dumps(each["config"]) for each in asked if each}
    assert len(configs) == 4
    for trial in (2, 0, 3):
        AskTell(tmp_path).tell(trial, 0.1 * trial + 0.1, 5.0)
    assert [row["trial"] for row in rows(tmp_path)] == [2, 0, 3]
    started = (tmp_path / "started.jsonl").read_text().splitlines()
    assert [json.loads(line)["worker"] for line in started] == [0, 1, 2, 3]


def test_a_synchronous_method_waits(tmp_path: Path) -> None:
    run_ = AskTell(tmp_path, settings("hyperband"))
    asked: list[dict[str, Any]] = []
    while (each := run_.ask()) is not None:
        asked.append(each)
    assert len(asked) > 3
    for each in asked:
        run_.tell(each["trial"], float(each["trial"]), 1.0)
    assert run_.ask() is not None


def test_a_tell_that_was_killed_is_finished_by_the_next_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_ = AskTell(tmp_path, settings("random"))
    run_.ask()

    def dies(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(loop, "end", dies)
        with pytest.raises(KeyboardInterrupt):
            run_.tell(0, 0.25, 7.0)
    assert not rows(tmp_path)
    AskTell(tmp_path).ask()
    (row,) = rows(tmp_path)
    assert (row["loss"], row["cost"], row["status"]) == (0.25, 7.0, "ok")


def test_a_report_reads_what_was_told(tmp_path: Path) -> None:
    folder = tmp_path / "t/random/seed-0"
    run_ = AskTell(folder, settings("random"))
    for loss in (0.5, 0.4, 0.3):
        asked = run_.ask()
        assert asked is not None
        run_.tell(asked["trial"], loss, 60.0)
    run_.ask()
    table = from_traces(tmp_path).table
    assert table.loss.tolist() == [0.5, 0.4, 0.3]
    assert table.total_cost.iloc[-1] == 180


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"trial": 5, "loss": 1.0}, r"trial 5 was never asked for \(running: 0\)"),
        ({"trial": 0, "loss": "good"}, "trial 0: you told loss 'good'"),
        ({"trial": 0, "loss": 1.0, "status": "done"}, "you told status 'done'"),
        ({"trial": 0, "loss": 1.0, "cost": -1.0}, "you told cost -1.0"),
    ],
)
def test_mistakes_are_one_line_and_change_nothing(
    told: dict[str, Any], message: str, tmp_path: Path
) -> None:
    run_ = AskTell(tmp_path, settings("random"))
    run_.ask()
    with pytest.raises(ConfigError, match=message) as error:
        run_.tell(**told)
    assert "\n" not in str(error.value)
    run_.tell(0, 0.5, 1.0)
    with pytest.raises(ConfigError, match=r"trial 0 has been told before \(running: none\)"):
        run_.tell(0, 0.5, 1.0)


def test_without_a_cost_the_wall_time_is_charged(tmp_path: Path) -> None:
    run_ = AskTell(tmp_path, settings("random"))
    run_.ask()
    assert 0 <= run_.tell(0, 0.5)["cost"] < 60


def test_another_method_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    AskTell(tmp_path, settings("random")).ask()
    with pytest.raises(ConfigError, match="holds another run"):
        AskTell(tmp_path, settings("hyperband")).ask()
    with pytest.raises(ConfigError, match="no run here"):
        AskTell(tmp_path / "elsewhere")


def test_the_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ask(["mine", "method=random", "task=declared"]) == 0
    asked = json.loads(capsys.readouterr().out)
    assert (asked["trial"], asked["fidelity"], asked["native"]) == (0, 1.0, 27)
    assert tell(["mine", "--trial", "0", "--loss", ".31", "--cost", "15120"]) == 0
    assert json.loads(capsys.readouterr().out)["recommended"] == asked["config"]
    assert ask(["mine"]) == 0
    assert tell(["mine", "--trial", "1", "--status", "failed"]) == 0
    capsys.readouterr()
    for wrong in (["mine", "--trial", "1"], ["other", "--trial", "1", "--loss", "1"]):
        assert tell(wrong) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
    assert ask(["other"]) == 2
    assert ask(["mine", "method=fabolass"]) == 2
    assert [row["status"] for row in rows(run_of("mine"))] == ["ok", "failed"]


def test_processes_may_ask_at_the_same_time(tmp_path: Path) -> None:
    given = settings("random")
    AskTell(path_of(given, []), given)
    folder = tmp_path / "run"
    AskTell(folder, given).ask()
    code = (
        "from benchmarks.runner.ask_tell import AskTell; from pathlib import Path; "
        f"print(AskTell(Path({str(folder)!r})).ask()['trial'])"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    numbers = sorted(int(process.communicate()[0]) for process in processes)
    assert numbers == [1, 2, 3]
    assert np.all([process.returncode == 0 for process in processes])
