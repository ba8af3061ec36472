"""The contract of every method, checked on one tiny task.

A stranger's class: ``python -m pytest tests/contracts/test_method_contract.py --method=pkg.Class``.
"""

from __future__ import annotations

import functools
import inspect
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.budget import Budget
from benchmarks.components import locate
from benchmarks.core.protocols import Task
from benchmarks.core.trial import History, Status, Trial
from benchmarks.runner import loop
from benchmarks.runner.resumption import resume
from benchmarks.runner.trace import Trace, trial_of
from support.builders import OFFERED, group_settings, make_method
from support.parallel import ended, play, running, started
from support.tiny import AnySign, Flaky, Tiny, without_clocks

WAITING = ("hyperband",)
"""methods that may have nothing to suggest while trials are running"""
TRIALS = 13  # the initial designs are of 10 or fewer, so models are in play


def tiny(name: str, **fidelities: Any) -> Tiny:
    """The tiny task, with fidelities that the method can do with."""
    return Tiny(**fidelities | OFFERED.get(name, {}))


def run(folder: Path, name: str, task: Task, budget: Budget, seed: int = 0) -> list[dict[str, Any]]:
    trace = Trace(folder / "trace.jsonl")
    state = resume(trace, task)
    with trace.open(sync=False) as writer:
        loop.run(make_method(name, task), task, budget, seed, writer, state)
    return trace.load()


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of one run of a method, which several tests look at; not to be changed."""

    @functools.cache
    def made(name: str) -> Path:
        folder = tmp_path_factory.mktemp("whole")
        run(folder, name, tiny(name), Budget(trials=TRIALS))
        return folder

    return made


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return Trace(folder / "trace.jsonl").load()


def history_of(folder: Path, trials: int) -> History:
    rows = Trace(folder / "trace.jsonl").read().rows
    return History([trial_of(row) for row in rows[:trials]], Tiny.loss_floor)


def test_its_yaml_holds_every_option_with_the_constructors_default(method_name: str) -> None:
    settings = group_settings("method", method_name)
    parameters = inspect.signature(
        locate(settings["_target_"], [method_name.split(".")[0]])
    ).parameters
    defaults = {
        name: list(p.default) if isinstance(p.default, tuple) else p.default
        for name, p in parameters.items()
        if name not in ("self", "space", "fidelities")
    }
    if "." not in method_name:
        options = {k: v for k, v in settings.items() if k not in ("_target_", "name")}
        assert options == defaults
        assert settings["name"] == method_name
    assert all(value is not inspect.Parameter.empty for value in defaults.values())


@pytest.mark.whole_runs
def test_suggestions_lie_in_the_space_and_at_an_allowed_fidelity(
    method_name: str, whole: Callable[[str], Path], tmp_path: Path
) -> None:
    for fidelities in ({}, {"values": (0.25, 0.5, 1.0)}, {"low": 1.0}):
        task, folder = tiny(method_name, **fidelities), tmp_path / str(fidelities)
        budget = Budget(trials=TRIALS)
        rows = run(folder, method_name, task, budget) if fidelities else rows_of(whole(method_name))
        assert len(rows) == TRIALS
        for row in rows:
            task.space.check(row["config"])
            task.fidelities.check(row["fidelity"])


def test_no_evaluation_starts_after_the_budget_and_costs_add_up(
    method_name: str, tmp_path: Path
) -> None:
    rows = run(tmp_path, method_name, tiny(method_name), Budget(cost=1.5, trials=TRIALS))
    totals = np.cumsum([row["cost"] for row in rows])
    assert [row["cumulative_cost"] for row in rows] == pytest.approx(list(totals))
    assert all(total < 1.5 for total in totals[:-1])
    assert len(rows) == TRIALS or totals[-1] >= 1.5


@pytest.mark.whole_runs
def test_same_seed_same_trace_and_another_seed_another(
    method_name: str, whole: Callable[[str], Path], tmp_path: Path
) -> None:
    budget = Budget(trials=TRIALS)
    first = rows_of(whole(method_name))
    second = run(tmp_path / "b", method_name, tiny(method_name), budget)
    other = run(tmp_path / "c", method_name, tiny(method_name), Budget(trials=2), seed=1)
    assert without_clocks(first) == without_clocks(second)
    assert without_clocks(first[:2]) != without_clocks(other)


@pytest.mark.whole_runs
def test_killed_anywhere_and_resumed_it_writes_the_unbroken_trace(
    method_name: str, whole: Callable[[str], Path], tmp_path: Path
) -> None:
    unbroken = whole(method_name)
    for cut in (1, 10, 12):
        folder = tmp_path / str(cut)
        folder.mkdir()
        for file in unbroken.iterdir():
            rows = file.read_text().splitlines(keepends=True)
            begun = file.name == "started.jsonl"  # killed while a trial runs
            (folder / file.name).write_text("".join(rows[: cut + begun]))
        resumed = run(folder, method_name, tiny(method_name), Budget(trials=TRIALS))
        assert without_clocks(resumed) == without_clocks(rows_of(unbroken))


@pytest.mark.whole_runs
def test_failing_evaluations_are_rows_and_it_goes_on(method_name: str, tmp_path: Path) -> None:
    rows = run(
        tmp_path, method_name, Flaky(**OFFERED.get(method_name, {})), Budget(trials=TRIALS + 5)
    )
    assert len(rows) == TRIALS + 5
    assert {"failed"} <= {row["status"] for row in rows} <= {"ok", "failed", "diverged"}


def test_it_survives_a_task_on_which_everything_fails(method_name: str, tmp_path: Path) -> None:
    class Broken(Tiny):
        def evaluate(self, *_: Any) -> Any:
            raise RuntimeError("always")

    rows = run(tmp_path, method_name, Broken(**OFFERED.get(method_name, {})), Budget(trials=TRIALS))
    assert {row["status"] for row in rows} == {"failed"}
    assert {row["best_seen"] for row in rows} == {None}


@pytest.mark.whole_runs
@pytest.mark.parametrize(
    "kind",
    ["turning", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("accuracy", "zero"))],
)
def test_it_runs_on_losses_of_any_sign(method_name: str, kind: str, tmp_path: Path) -> None:
    """A model of logarithms becomes one of ranks with the first loss that has none."""
    task = AnySign(kind, **OFFERED.get(method_name, {}))
    rows = run(tmp_path, method_name, task, Budget(trials=25))
    assert {row["status"] for row in rows} == {"ok"}
    losses = [row["loss"] for row in rows]
    assert -1 <= min(losses) <= 0
    assert rows[-1]["best_seen"] == losses.index(min(losses))
    assert rows[-1]["recommended"] in [row["config"] for row in rows] or not any(
        row["fidelity"] == 1 for row in rows
    )
    ranked = ["loss_transform" in row["note"] for row in rows]
    if "loss_transform" in group_settings("method", method_name):
        assert all(ranked[AnySign.TURN + 1 :])
    else:
        assert not any(ranked)
    assert kind != "turning" or not any(ranked[: AnySign.TURN + 1])


@pytest.mark.slow
@pytest.mark.whole_runs
def test_it_runs_on_losses_far_from_zero(method_name: str, tmp_path: Path) -> None:
    task = AnySign("far", **OFFERED.get(method_name, {}))
    rows = run(tmp_path, method_name, task, Budget(trials=15))
    assert min(row["loss"] for row in rows) >= AnySign.FAR
    assert {row["status"] for row in rows} == {"ok"}


@pytest.mark.whole_runs
def test_a_fresh_object_and_a_used_one_agree_and_asking_twice_changes_nothing(
    method_name: str, whole: Callable[[str], Path]
) -> None:
    long, task = history_of(whole(method_name), TRIALS), tiny(method_name)
    short = History(long.trials[:11], long.loss_floor)
    used, handed = make_method(method_name, task), repr((long.trials, short.trials))
    for past in (short, long, short, long):
        fresh = make_method(method_name, task)
        # in the other order, so that what is cached for one is not what decides the other
        wanted = fresh.recommend(past, np.random.default_rng(8))
        suggestion = fresh.suggest(past, np.random.default_rng(7))
        assert used.suggest(past, np.random.default_rng(7)) == suggestion
        assert used.recommend(past, np.random.default_rng(8)) == wanted
    assert repr((long.trials, short.trials)) == handed


@pytest.mark.whole_runs
def test_two_methods_in_one_process_do_not_disturb_each_other(
    method_name: str, whole: Callable[[str], Path]
) -> None:
    past, task = history_of(whole(method_name), 11), tiny(method_name)
    alone = make_method(method_name, task).suggest(past, np.random.default_rng(0))
    np.random.seed(3)
    before = np.random.get_state()[1].copy()  # type: ignore[union-attr]
    one, two = make_method(method_name, task), make_method(method_name, task)
    two.suggest(History(past.trials[:10], past.loss_floor), np.random.default_rng(5))
    assert one.suggest(past, np.random.default_rng(0)) == alone
    assert np.array_equal(before, np.random.get_state()[1])  # type: ignore[arg-type]


@pytest.mark.whole_runs
def test_running_trials_in_the_history(method_name: str) -> None:
    """Four workers, whose trials end in random order, some of them badly."""
    task = tiny(method_name, values=(0.25, 0.5, 1.0))
    rng = np.random.default_rng(0)

    def evaluate(trial: Trial) -> tuple[float, Status]:
        observation = task.evaluate(trial.config, trial.fidelity, rng)
        return observation.loss, "failed" if rng.random() < 0.2 else "ok"

    used = make_method(method_name, task)
    *asked, last = play(used, 4, TRIALS + 5, evaluate, rng)
    chosen = {trial.number: trial for trial in last}
    for past in asked[-4:]:
        fresh = make_method(method_name, task)
        suggestion = fresh.suggest(past, np.random.default_rng(len(past)))
        if suggestion is None:
            assert method_name in WAITING
            assert running(past)
        else:
            task.space.check(suggestion.config)
            task.fidelities.check(suggestion.fidelity)
        assert used.suggest(past, np.random.default_rng(len(past))) == suggestion
        wanted = chosen.get(len(past))
        if suggestion is not None and wanted is not None:
            assert (wanted.config, wanted.fidelity) == (suggestion.config, suggestion.fidelity)
    recommended = used.recommend(last, np.random.default_rng(0))
    finished = [trial for trial in last if trial.status != "running"]
    without = make_method(method_name, task).recommend(
        History(finished, last.loss_floor), np.random.default_rng(0)
    )
    assert recommended == without
    assert recommended is None or recommended in [t.config for t in finished if t.status == "ok"]


def test_many_workers_and_nothing_finished(method_name: str) -> None:
    """Twenty start before the first trial ends; that one failed."""
    task = tiny(method_name, values=(0.25, 0.5, 1.0))
    method = make_method(method_name, task)
    waits, past = method_name in WAITING, History((), task.loss_floor)
    for number in range(20):
        suggestion = method.suggest(past, np.random.default_rng(number))
        if suggestion is None:
            assert waits
            break
        past = started(past, suggestion)
    assert method.recommend(past, np.random.default_rng(0)) is None
    after = ended(past, running(past)[0], 0.5, status="failed")
    suggestion = method.suggest(after, np.random.default_rng(0))
    if suggestion is None:
        assert waits
    else:
        task.space.check(suggestion.config)
        task.fidelities.check(suggestion.fidelity)


@pytest.mark.whole_runs
def test_the_trace_keeps_the_clocks_apart_and_the_incumbent_monotone(
    method_name: str, whole: Callable[[str], Path]
) -> None:
    rows = rows_of(whole(method_name))
    best = [rows[r["best_at_target"]]["loss"] for r in rows if r["best_at_target"] is not None]
    assert best == sorted(best, reverse=True)
    costs = [row["cumulative_cost"] for row in rows]
    assert costs == sorted(costs)
    for row in rows:
        assert row["suggest_overhead"] >= 0
        assert row["recommend_overhead"] >= 0
        assert row["cost"] == row["fidelity"]  # the method's thinking is not in it


IMPORTS = """
import json, logging, sys, threading
import numpy as np

HEAVY = {"GPy", "emukit", "matplotlib", "sklearn", "hydra"}


def state():
    random = np.random.get_state()[1].tolist()
    handlers = list(map(repr, logging.getLogger().handlers))
    return random, handlers, threading.active_count(), sorted(HEAVY & set(sys.modules))


before, found = state(), {}
for name, target in json.loads(sys.argv[1]).items():
    package, _, attribute = target.rpartition(".")
    getattr(__import__(package, fromlist=[attribute]), attribute)
    after = state()
    what = ("global random state", "logging", "threads", "heavy packages")
    found[name] = [w for w, old, new in zip(what, before, after, strict=True) if old != new]
    before = after
print(json.dumps(found))
"""


@functools.cache
def changed_by_imports(names: tuple[str, ...]) -> dict[str, list[str]]:
    """What importing each method, one after another in a fresh process, changed in it."""
    targets = {name: group_settings("method", name)["_target_"] for name in names}
    words = [sys.executable, "-c", IMPORTS, json.dumps(targets)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def test_importing_it_has_no_side_effects(method_name: str, all_methods: tuple[str, ...]) -> None:
    assert changed_by_imports(all_methods)[method_name] == []
