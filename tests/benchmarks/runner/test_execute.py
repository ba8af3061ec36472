from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from benchmarks import provenance
from benchmarks.core.space import Config
from benchmarks.core.trial import Observation
from benchmarks.runner.execute import run
from benchmarks.runner.progress import reasons
from benchmarks.runner.trace import Trace
from benchmarks.settings import ConfigError
from methods.random_search import RandomSearch
from support.rows import trial_row
from support.settings import composed, run_settings
from support.tiny import Tiny, without_clocks


def settings(trials: int | None = 6, task: str = "support.tiny.Tiny", **changes: Any) -> Any:
    budget = {"trials": trials, **changes.pop("budget", {})}
    described = {"_target_": task, "name": "mine"}
    return run_settings(task=described, allow=["support"], plot=False, budget=budget, **changes)


def rows(folder: Path) -> list[Any]:
    return without_clocks(Trace(folder / "trace.jsonl").load())


def meta(folder: Path) -> Any:
    return json.loads((folder / "meta.json").read_text())


@pytest.mark.parametrize("workers", [{}, {"n": 4}])
def test_a_larger_budget_goes_on_to_the_trace_that_it_alone_would_have_written(
    workers: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, raised = tmp_path / "whole", tmp_path / "raised"
    assert run(settings(12, workers=workers), whole) == "finished"
    for trials in (5, 9, 12):
        assert run(settings(trials, workers=workers), raised) == "finished"
    assert rows(raised) == rows(whole)
    assert [budget["trials"] for budget in meta(raised)["budgets"]] == [5, 9, 12]
    assert "resuming after" in capsys.readouterr().out


class Trains(Tiny):
    """Trains for real: counts its evaluations in ``counted``, and repeats no loss."""

    reproducible = False
    counted = 0

    def evaluate(self, config: Config, fidelity: float, rng: np.random.Generator) -> Observation:
        Trains.counted += 1
        seen = super().evaluate(config, fidelity, rng)
        cost = fidelity * (0.5 + config["x"])
        return Observation(seen.loss + Trains.counted, cost, "ok", seen.test_loss)


def trains(trials: int) -> Any:
    own, workers = f"{__name__}.Trains", {"n": 4, "engine": "virtual"}
    settled = settings(trials, own, workers=workers)
    return msgspec.structs.replace(settled, allow=(own.partition(".")[0],))


def test_simulated_workers_that_train_repeat_no_training_when_the_budget_is_raised(
    tmp_path: Path,
) -> None:
    Trains.counted = 0
    run(trains(12), tmp_path / "whole")
    Trains.counted = 0
    for trials in (5, 9, 12):
        assert run(trains(trials), tmp_path / "raised") == "finished"
        assert Trains.counted == trials
    assert rows(tmp_path / "raised") == rows(tmp_path / "whole")


def test_simulated_workers_that_train_lose_no_training_when_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four are evaluated before the first ends on the simulated clock."""
    Trains.counted = 0
    run(trains(12), tmp_path / "whole")

    def dies(*_: Any) -> Any:
        raise KeyboardInterrupt

    Trains.counted = 0
    with monkeypatch.context() as broken:
        broken.setattr("benchmarks.runner.loop.end", dies)
        with pytest.raises(KeyboardInterrupt):
            run(trains(12), tmp_path / "killed")
    assert Trains.counted == 4
    assert not rows(tmp_path / "killed")
    assert run(trains(12), tmp_path / "killed") == "finished"
    assert Trains.counted == 12
    assert rows(tmp_path / "killed") == rows(tmp_path / "whole")


def test_options_that_are_not_finite_do_not_damage_the_run(tmp_path: Path) -> None:
    described = {"_target_": f"{__name__}.Limited", "name": "mine", "limit": math.inf}
    endless = run_settings(
        task=described, allow=[__name__.partition(".")[0]], plot=False, budget={"trials": 2}
    )
    for _ in range(2):
        assert run(endless, tmp_path) == "finished"
    assert meta(tmp_path)["key"]["task.limit"] == "inf"


class Limited(Tiny):
    def __init__(self, limit: float = 1.0) -> None:
        super().__init__()


@pytest.mark.parametrize(
    ("budget", "kept"),
    [({"trials": 4}, 4), ({"trials": None, "cost": 2.5}, 3), ({"trials": 12}, None)],
)
def test_a_smaller_budget_writes_nothing_and_answers_from_the_first_trials(
    budget: dict[str, Any],
    kept: int | None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(settings(12), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    capsys.readouterr()
    assert run(settings(budget=budget), tmp_path) == "finished"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    printed = capsys.readouterr().out
    if kept is None:
        assert "finished before, nothing to do" in printed
    else:
        assert f"the first {kept} of 12 trials" in printed
        assert f"in {kept} trials" in printed


def test_a_run_without_one_ok_trial_has_failed_and_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):  # the same command again does not make it a success
        assert run(settings(3, "support.tiny.Broken"), tmp_path) == "failed"
        problem = "none of 3 trials was ok: failed: ValueError: broken on purpose"
        assert capsys.readouterr().err.splitlines() == [f"failed: {problem}"]
        assert (meta(tmp_path)["status"], meta(tmp_path)["error"]) == ("failed", problem)


def test_reasons_are_counted_the_most_frequent_first() -> None:
    bad = [("failed", "A"), ("timeout", "B"), ("failed", "C"), ("failed", "C")]
    seen = [trial_row(n, status=s, info={"error": e}) for n, (s, e) in enumerate(bad)]
    found = reasons([*seen, trial_row(9)])
    assert found == {"failed: C": 2, "failed: A": 1, "timeout: B": 1}
    assert next(iter(found)) == "failed: C"


def test_a_picture_that_cannot_be_drawn_fails_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from analysis.figures import run_plot

    def fails(folder: Path) -> Path:
        raise RuntimeError("no\nfonts")

    monkeypatch.setattr(run_plot, "plot_run", fails)
    plotted = run_settings(
        task={"_target_": "support.tiny.Tiny", "name": "mine"},
        allow=["support"],
        budget={"trials": 2},
    )
    assert run(plotted, tmp_path) == "finished"
    warning = "warning: regret.png was not drawn: RuntimeError: no fonts"
    assert capsys.readouterr().err.splitlines() == [warning]


def test_every_part_of_a_run_has_its_provenance_and_differences_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(provenance, "commit", lambda: {"commit": "a" * 40, "dirty": False})
    run(settings(3), tmp_path)
    monkeypatch.setattr(provenance, "commit", lambda: {"commit": "b" * 40, "dirty": False})
    monkeypatch.setattr(provenance, "versions", lambda: {"numpy": "99"})
    run(settings(5), tmp_path)
    facts = meta(tmp_path)
    assert [part["commit"][0] for part in facts["parts"]] == ["a", "b"]
    assert [part["trials"] for part in facts["parts"]] == [0, 3]
    assert facts["commit"] == "a" * 40
    printed = capsys.readouterr().out
    assert f"note: code: commit {'a' * 40}, now {'b' * 40}" in printed
    assert ", now 99" in printed


def test_a_run_from_before_a_limit_goes_on_with_a_method_that_uses_the_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RandomSearch, "uses_budget", True)
    assert run(settings(3), tmp_path) == "finished"
    held = meta(tmp_path)
    assert held["key"].pop("budget.trainings", 0) is None
    held["at_default"].remove("budget.trainings")
    (tmp_path / "meta.json").write_text(json.dumps(held))
    assert run(settings(3), tmp_path) == "finished"
    with pytest.raises(ConfigError, match=r"another run \(budget\.trainings was None, is 9\)"):
        run(settings(3, budget={"trainings": 9}), tmp_path)


def test_a_run_says_its_limit_with_the_unit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    described = composed("task=branin")["task"]
    run(run_settings(task=described, plot=False), tmp_path)
    first, *rest = capsys.readouterr().out.splitlines()
    said = "2 trainings of a good config (105 s each)"
    assert first == f"random on branin, seed 0, until {said}"
    assert any("which was" in line and said in line for line in rest)
    assert meta(tmp_path)["stopped_by"] == "trainings"


def test_the_unit_of_the_budget_is_kept_with_its_source(tmp_path: Path) -> None:
    run(settings(None, budget={"target_evaluations": 2}), tmp_path / "known")
    assert (meta(tmp_path / "known")["unit"], meta(tmp_path / "known")["unit_from"]) == (
        1.0,
        "the task",
    )
    run(settings(None, "support.tiny.Unknown", budget={"target_evaluations": 3}), tmp_path / "not")
    found = meta(tmp_path / "not")
    assert found["unit"] == 2.0
    assert found["unit_from"] == "the median cost of the trials at the target"
    assert len(rows(tmp_path / "not")) == 3


def test_values_to_maximise_are_in_the_trace_beside_losses(tmp_path: Path) -> None:
    run(settings(4, "support.tiny.Accuracy"), tmp_path)
    for row in rows(tmp_path):
        assert row["value"] == -row["loss"]
        assert 0 < row["value"] < 1
        assert row["true_loss"] < 0
    assert meta(tmp_path)["task_facts"]["best_loss"] == -0.98
    assert meta(tmp_path)["task_facts"]["loss_floor"] == 0.0


def test_metadata_has_the_untuned_configs_and_the_cost_of_good_ones(tmp_path: Path) -> None:
    untuned = {"log_c": 0.0, "log_gamma": 0.003}
    replay = {"_target_": "tasks.RecordedTask", "name": "r", "table": "svm_vehicle"}
    described = replay | {"baseline_default": untuned}
    run(run_settings(budget={"trials": 2}, task=described, plot=False), tmp_path)
    facts = meta(tmp_path)["task_facts"]
    assert facts["baselines"]["default"]["config"] == untuned
    assert 0 < facts["baselines"]["default"]["loss"] < 1
    assert facts["good_cost"] > 0
    run(settings(2), tmp_path / "tiny")
    facts = meta(tmp_path / "tiny")["task_facts"]
    assert facts["baselines"] == {}
    assert facts["good_cost"] is None


def test_a_damaged_run_is_refused_in_one_line(tmp_path: Path) -> None:
    run(settings(3), tmp_path)
    (tmp_path / "trace.jsonl").write_text('{"trial": 12}\n')
    with pytest.raises(ConfigError, match=r"trace\.jsonl, line 1: .*resume=false"):
        run(settings(4), tmp_path)
    assert run(settings(4, resume=False), tmp_path) == "finished"
