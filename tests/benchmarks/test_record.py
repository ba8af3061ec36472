from __future__ import annotations

import contextlib
import io
import json
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.provenance import ROOT
from benchmarks.record import main
from benchmarks.recorder import cost_normalisation as costs
from benchmarks.recorder import raw_rows, timed_alone
from benchmarks.recorder import recorder as recorder_module
from benchmarks.recorder.design import Evaluation, expand
from benchmarks.recorder.recorder import Recorder
from support.processes import alive, children_of, own_children, state_of, stopped
from support.tiny import Tiny
from support.waiting import wait_for
from tasks.replay import table
from tasks.replay.evaluations import RecordedTask
from tasks.svm import SPACE, SVM, svm_task

STAGES = [
    {"configs": [[10, 10]], "fidelities": [0.5]},
    {"configs": [[0, 0]], "fidelities": [0.01]},  # one row, one class: it fails
    {"configs": [[10, 10], [-10, 10], [10, -10]], "fidelities": [1.0]},
    {"configs": [[1, -4]], "fidelities": [1.0], "held_out": True},
]
KEYS = [e.key for e in expand(STAGES, SPACE)]
STOPPING = """
import os, signal, sys
from pathlib import Path
from benchmarks.record import main
from benchmarks.recorder import raw_rows

append = raw_rows.append

def stopping(path: Path, row: raw_rows.Row) -> None:
    append(path, row)
    if "config" in row:
        os.kill(os.getpid(), signal.SIGSTOP)

raw_rows.append = stopping
sys.exit(main(sys.argv[1:]))
"""
"""the command line, which stands still when it has recorded an evaluation"""


def evaluations(path: Path) -> list[raw_rows.Row]:
    return raw_rows.read(path)


@dataclass
class Recording:
    """What the command line did in ``folder``."""

    folder: Path
    arguments: list[str]
    refused: tuple[int, str]
    """a second recorder, started while the first one ran"""
    children: list[int]
    """of the first recorder, when it was killed"""
    killed_at: bytes
    """the file of rows after the kill"""
    resumed: tuple[int, str]
    compacted: tuple[int, str]

    @property
    def path(self) -> Path:
        return self.folder / "rows.jsonl"

    @property
    def table(self) -> Path:
        return self.folder / "made_up.npz"


def command(arguments: list[str]) -> tuple[int, str]:
    """Exit code and output of the command line, run in this process."""
    with contextlib.redirect_stdout(io.StringIO()) as output, contextlib.redirect_stderr(output):
        code = main(arguments)
    return code, output.getvalue()


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory, sensit_dir: str) -> Recording:
    """Record real SVMs on the made-up SensIT file; the recorder is killed, then started again."""
    folder = tmp_path_factory.mktemp("recording")
    design = json.dumps(STAGES).replace('"', "").replace(" ", "")
    arguments = [
        "task=svm_vehicle",
        "task.dataset=sensit",
        "task.backend=sklearn",
        "task.train_rows=100",
        "task.timings=1",
        f"task.data_dir={sensit_dir}",
        "design=svm_mnist",
        f"design.stages={design}",
        f"rows={folder}/rows.jsonl",
        f"table={folder}/made_up.npz",
    ]
    path = folder / "rows.jsonl"
    line = [sys.executable, "-c", STOPPING, *arguments]
    with subprocess.Popen(line, cwd=ROOT, stdout=subprocess.DEVNULL) as first:
        wait_for(lambda: state_of(first.pid) in "TZ")
        refused = command(arguments)
        children = [process.pid for process in children_of(first.pid)]
        first.send_signal(signal.SIGKILL)
        first.wait()
    killed_at = path.read_bytes()
    path.write_bytes(killed_at + b'{"config":{"log_c":-10,"log_g')
    resumed = command(arguments)
    compacted = command([*arguments, "--compact"])
    return Recording(folder, arguments, refused, children, killed_at, resumed, compacted)


def test_a_second_recorder_on_the_same_rows_is_refused_in_one_line(recording: Recording) -> None:
    code, output = recording.refused
    assert code == 2
    assert output.startswith("error: ")
    assert "in use by another process" in output
    assert output.count("\n") == 1


def test_no_process_of_a_killed_recorder_lives_on(recording: Recording) -> None:
    assert recording.children
    wait_for(lambda: not any(map(alive, recording.children)))


def test_after_a_kill_nothing_recorded_is_lost_and_nothing_of_the_design_is_missing(
    recording: Recording,
) -> None:
    assert recording.resumed[0] == 0, recording.resumed
    content = recording.path.read_bytes()
    whole = recording.killed_at[: recording.killed_at.rfind(b"\n") + 1]
    assert content.startswith(whole + b'{"session":')
    # it stops itself after one row, and another thread may still write the next
    assert 1 <= whole.count(b'"config"') < len(KEYS)
    assert {row.key for row in evaluations(recording.path)} == set(KEYS)


def test_what_was_timed_well_is_not_evaluated_again(recording: Recording) -> None:
    before = whole_rows(recording.killed_at, recording.folder)
    marked = {row.key for row, _, late in costs.best_rows(before) if late}
    again = [row.key for row in evaluations(recording.path)[len(before) :]]
    assert sorted(map(repr, again)) == sorted(
        repr(key) for key in KEYS if key in marked or key not in {row.key for row in before}
    )
    assert f"{len(again)}/{len(again)}" in recording.resumed[1]


def whole_rows(content: bytes, folder: Path) -> list[raw_rows.Row]:
    copy = folder / "copy.jsonl"
    copy.write_bytes(content)
    return raw_rows.read(copy)


def test_rows_hold_what_the_live_task_gives(recording: Recording, sensit_dir: str) -> None:
    task = SVM("vehicle_sensit", "sklearn", "minmax", sensit_dir, 100)
    row = next(r for r in evaluations(recording.path) if r.record["held_out"])
    seen = task.evaluate_replicate(row.record["config"], row.record["fidelity"], 0)
    task.close()
    assert (row.record["loss"], row.record["test_loss"]) == (seen.loss, seen.test_loss)
    assert row.session["identity"] == dict(task.identity)
    assert row.record["cost"] > 0
    assert row.record["reference_before"] > 0
    for key in ("versions", "machine", "commit", "fidelity_low", "loss_floor"):
        assert key in row.session


def test_an_evaluation_that_fails_is_a_row_and_not_the_end(recording: Recording) -> None:
    (failed,) = [r for r in evaluations(recording.path) if r.record["fidelity"] == 0.01][-1:]
    assert (failed.record["status"], failed.record["loss"]) == ("failed", None)
    assert "fewer than two classes" in failed.record["error"]


def test_the_table_replays_every_row_exactly(recording: Recording) -> None:
    assert recording.compacted[0] == 0, recording.compacted
    task = RecordedTask(str(recording.table))
    chosen = list(costs.best_rows(evaluations(recording.path)))
    replayed = 0
    for row, cost, _ in chosen:
        facts = row.record
        if facts["held_out"] or facts["status"] != "ok":
            continue
        seen = task.evaluate(facts["config"], facts["fidelity"], np.random.default_rng(0))
        assert (seen.loss, seen.test_loss) == (facts["loss"], facts["test_loss"])
        assert seen.cost == round(cost, 6)
        replayed += 1
    assert replayed == 4
    options = {"table": str(recording.table), "backend": "sklearn", "train_rows": 100}
    assert svm_task("vehicle", "sensit", **options).identity == task.identity
    with pytest.raises(ValueError, match=r"recording of vehicle_sensit, not of vehicle_statlog$"):
        svm_task("vehicle", "statlog", **options)
    stored = table.read(recording.table)
    assert stored.columns["held_out"].sum() == 1
    assert stored.meta["statuses"] == {"ok": 5, "failed": 1}


def test_a_finished_recording_is_left_alone_but_for_marked_timings(
    recording: Recording, sensit_dir: str, tmp_path: Path
) -> None:
    path = Path(shutil.copy(recording.path, tmp_path))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        if "config" in line:
            line.update(reference_before=1.0, reference_after=1.0)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    design = expand(STAGES, SPACE)
    recorder = Recorder(lambda: builder(sensit_dir), design, path)
    assert recorder.missing() == []
    assert recorder.run() == 0
    lines[-1].update(reference_before=1.2, reference_after=1.2)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    unique = [r for r in raw_rows.read(path) if r.key == raw_rows.read(path)[-1].key]
    expected = [unique[-1].key] if len(unique) == 1 else []
    assert [e.key for e in recorder.missing()] == expected


def test_recorded_configs_are_timed_again_alone_and_the_card_says_how_far_costs_are_off(
    recording: Recording,
) -> None:
    before = recording.path.read_bytes()
    code, output = command([*recording.arguments, "alone=2"])
    assert code == 0, output
    assert "residual error of costs: 2 recorded configs trained again" in output
    alone = evaluations(timed_alone.path_of(recording.path))
    assert len(alone) == 2
    assert {row.key for row in alone} <= {row.key for row in evaluations(recording.path)}
    assert recording.path.read_bytes() == before
    stored = table.read(recording.table)
    card = recording.table.with_suffix(".md")
    assert "residual error" not in card.read_text()
    code, output = command([*recording.arguments, "--card"])
    assert code == 0, output
    assert "residual error of costs: 2 recorded configs" in card.read_text()
    again = table.read(recording.table)
    assert again.sha256 == stored.sha256
    assert again.meta["facts"]["alone"]["trainings"] == 2
    assert command([*recording.arguments, "--compact"])[0] == 0
    assert table.read(recording.table).sha256 == stored.sha256
    assert "residual error of costs: 2 recorded configs" in card.read_text()


def test_the_card_names_the_untuned_config(recording: Recording) -> None:
    card = recording.table.with_suffix(".md").read_text()
    assert "- untuned config `baseline_default`" in card
    assert "log_c=0, log_gamma=0.003: not recorded; validation error of the replay" in card


def test_another_task_is_not_timed_against_a_recording(recording: Recording) -> None:
    code, output = command([*recording.arguments, "task.train_rows=99", "alone=2"])
    assert code == 2
    assert "holds another task" in output
    assert output.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["alone=0"], "alone=0: must be a whole number, 1 or more, or null"),
        (["alone=2", "rows=nowhere.jsonl"], "no full training is recorded yet"),
        (["--card", "table=nowhere.npz"], "nowhere.npz is not a table"),
    ],
)
def test_what_cannot_be_timed_or_described_is_one_line(
    arguments: list[str], says: str, recording: Recording
) -> None:
    code, output = command([*recording.arguments, *arguments])
    assert code == 2
    assert output.startswith("error: ")
    assert says in output
    assert output.count("\n") == 1


def builder(sensit_dir: str, **options: Any) -> SVM:
    return SVM("vehicle_sensit", "sklearn", "minmax", sensit_dir, **{"train_rows": 100, **options})


def test_rows_of_another_task_are_not_mixed(
    recording: Recording, sensit_dir: str, tmp_path: Path
) -> None:
    path = Path(shutil.copy(recording.path, tmp_path))
    before = path.read_bytes()
    other = Evaluation({"log_c": 3, "log_gamma": 3}, 1.0, 0, False)
    recorder = Recorder(lambda: builder(sensit_dir, train_rows=99), [other], path)
    with pytest.raises(ValueError, match="holds another task"):
        recorder.run()
    assert path.read_bytes() == before


@pytest.fixture
def steady_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference kernel takes two seconds, whatever else the machine does."""
    monkeypatch.setattr(recorder_module, "reference_seconds", lambda: 2.0)


class Watched(Recorder):
    """Counts how often it looked whether it is to pause."""

    looks = 0

    def paused(self) -> bool:
        self.looks += 1
        return super().paused()


@pytest.mark.usefixtures("steady_core")
def test_a_paused_recorder_waits_and_goes_on_when_resumed(
    sensit_dir: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.jsonl"
    design = expand([STAGES[1]], SPACE)
    assert main([f"rows={path}", "--pause"]) == 0
    recorder = Watched(lambda: builder(sensit_dir), design, path)
    made: list[int] = []
    thread = threading.Thread(target=lambda: made.append(recorder.run()))
    thread.start()
    wait_for(lambda: recorder.looks >= 3)  # the next thing would be the evaluation
    assert evaluations(path) == []
    assert main([f"rows={path}", "--resume"]) == 0
    thread.join()
    assert made == [1]
    assert len(evaluations(path)) == 1
    assert "1/1" in capsys.readouterr().out


def staying_child(before: set[int]) -> int:
    """Wait for a child process that is no short command such as git's; return its number."""
    looks: list[set[int]] = []

    def stays() -> bool:
        looks.append(own_children() - before)
        return len(looks[-1]) == 1 and looks[-10:] == [looks[-1]] * 10

    wait_for(stays)
    (child,) = looks[-1]
    return child


@pytest.mark.slow
def test_a_pause_stops_the_evaluation_that_is_running(sensit_dir: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    design = [Evaluation({"log_c": 0, "log_gamma": -3}, 1.0, 0, False)]
    recorder = Watched(lambda: builder(sensit_dir, train_rows=2000), design, path)
    before = own_children()
    thread = threading.Thread(target=recorder.run)
    thread.start()
    worker = staying_child(before)  # a pause before would hold its start back
    path.with_suffix(".pause").touch()
    wait_for(lambda: stopped(worker))
    looks = recorder.looks
    wait_for(lambda: recorder.looks >= looks + 5)
    assert stopped(worker)
    assert evaluations(path) == []
    path.with_suffix(".pause").unlink()
    thread.join()
    (row,) = evaluations(path)
    assert row.record["status"] == "ok"


@pytest.mark.slow
def test_two_workers_share_the_design(sensit_dir: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    design = expand(
        [{"grid": {"log_c": [0, 1, 2, 3], "log_gamma": [-3]}, "fidelities": [1]}], SPACE
    )
    assert Recorder(lambda: builder(sensit_dir), design, path).run(workers=2) == 4
    assert sorted(map(repr, [r.key for r in evaluations(path)])) == sorted(
        repr(e.key) for e in design
    )


def test_an_error_of_a_worker_reaches_the_caller(tmp_path: Path) -> None:
    def no_task() -> SVM:
        return builder(str(tmp_path))

    design = expand(STAGES, SPACE)
    with pytest.raises(ValueError, match=r"no file vehicle_sensit\.npz"):
        Recorder(no_task, design, tmp_path / "rows.jsonl").run(workers=2)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["task=svm_mnits"], "did you mean 'svm_mnist'"),
        (["task=svm_mnist", "task.backnd=sklearn"], "backnd"),
        (["task.data_dir=/nowhere"], "no file mnist.npz"),
        (["task.data_dir=/nowhere", "--compact"], "error: "),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([f"rows={tmp_path}/rows.jsonl", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert says in error
    assert error.count("\n") == 1
    assert not (tmp_path / "rows.jsonl").exists()


def test_workers_must_be_a_positive_number(
    sensit_dir: str, recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*recording.arguments, "workers=0"]) == 2
    assert "workers=0: must be a whole number" in capsys.readouterr().err


def test_status_says_what_is_left(
    recording: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fresh = [a for a in recording.arguments if not a.startswith("rows=")]
    assert main([*fresh, f"rows={tmp_path}/none.jsonl", "--status"]) == 0
    assert "6 of 6 left" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_a_task_without_subset_seeds_gets_an_rng_of_the_seed(recording: Recording) -> None:
    task = RecordedTask(str(recording.table))
    evaluation = Evaluation({"log_c": 1.0, "log_gamma": 2.0}, 1.0, 5, False)
    assert task.evaluate_replicate(evaluation.config, 1.0, 5) == task.evaluate(
        evaluation.config, 1.0, np.random.default_rng(5)
    )


@pytest.mark.usefixtures("steady_core")
@pytest.mark.parametrize(("busy", "again"), [(0.1, 0), (60.0, 1)])
def test_a_marked_timing_is_repeated_only_when_the_core_is_not_busy_now(
    busy: float, again: int, tmp_path: Path
) -> None:
    """The file's idle figure is ``busy`` seconds, so the core seems slow, or very fast, now."""
    path = tmp_path / "rows.jsonl"
    design = [Evaluation({"x": x, "y": 0.5}, 1.0, 0, False) for x in np.linspace(0, 1, 21)]
    Recorder(Tiny, design[:1], path).run()
    row = json.loads(path.read_text().splitlines()[-1])
    for number, evaluation in enumerate(design):
        seconds = 2 * busy if number == 20 else busy
        row.update(config=dict(evaluation.config))
        row.update(reference_before=seconds, reference_after=seconds)
        raw_rows.append(path, row)
    recorder = Recorder(Tiny, design, path)
    assert recorder.missing() == [design[20]]
    before = len(evaluations(path))
    recorder.run()
    assert len(evaluations(path)) == before + again


@pytest.mark.usefixtures("steady_core")
def test_a_new_machine_is_compared_with_the_first_before_it_records(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    design = [Evaluation({"x": x, "y": 0.5}, 1.0, 0, False) for x in np.linspace(0, 1, 21)]
    Recorder(Tiny, design[:20], path).run()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[0]["session"]["machine"]["cpu"] = "another"
    for line in lines[1:]:  # quiet timings there, so that nothing is to be timed again
        line.update(cost=1.0, reference_before=1.0, reference_after=1.0)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert Recorder(Tiny, design[:20], path).missing() == []
    recorder = Recorder(Tiny, design, path)
    assert len(recorder.missing()) == costs.CALIBRATIONS + 1
    assert recorder.missing()[-1] == design[20]
    recorder.run()
    here = [row for row in evaluations(path) if row.cpu != "another"]
    assert len(here) == costs.CALIBRATIONS + 1
    # as costly there, where the kernel took a second
    assert costs.machine_factors(evaluations(path))[here[0].cpu] == pytest.approx(2.0)
