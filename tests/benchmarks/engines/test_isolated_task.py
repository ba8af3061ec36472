from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks.core import child_process
from benchmarks.core.space import Config
from benchmarks.core.trial import Observation, Suggestion
from benchmarks.engines.evaluate import evaluate
from benchmarks.engines.isolated_task import IsolatedTask
from support import clock
from support.live import pids
from support.processes import alive
from support.tiny import Tiny
from support.waiting import PATIENCE, wait_for

FLAKY = {"_target_": "support.tiny.Flaky", "name": "flaky", "hang": True}


def test_the_lower_limit_counts() -> None:
    task = IsolatedTask(FLAKY, ["support"], limit=PATIENCE)
    task.limit_time(0.5)
    task.limit_time(600.0)
    hung = evaluate(task, Suggestion({"x": 4.5 / 8, "y": 0}), np.random.default_rng(0))
    task.close()
    assert (hung.status, hung.cost) == ("timeout", 0.5)


def test_an_isolated_task_gives_what_the_task_gives() -> None:
    task = IsolatedTask(
        {"_target_": "support.tiny.Tiny", "name": "tiny"}, ["support"], limit=PATIENCE
    )
    config = {"x": 0.5, "y": 0.5}
    direct = Tiny().evaluate(config, 0.5, np.random.default_rng(0))
    assert task.evaluate(config, 0.5, np.random.default_rng(0)) == direct
    rest = task.resume(config, 0.25, 0.5, np.random.default_rng(0))
    assert (rest.loss, rest.cost, rest.info["restart_cost"]) == (direct.loss, 0.25, 0.5)
    assert task.truth(config) == Tiny().truth(config)
    assert task.fidelities == Tiny().fidelities
    task.close()


def test_an_evaluation_over_the_limit_is_a_timeout_charged_at_the_limit_and_the_next_one_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task = IsolatedTask(FLAKY, ["support"], limit=0.5)
    rng = np.random.default_rng(0)
    hung = evaluate(task, Suggestion({"x": 4.5 / 8, "y": 0}), rng)
    assert (hung.status, hung.cost) == ("timeout", 0.5)
    clock.hold(monkeypatch, child_process)  # the next ones may take as long as they need
    assert evaluate(task, Suggestion({"x": 5.5 / 8, "y": 0}), rng).status == "ok"
    raised = evaluate(task, Suggestion({"x": 0.0, "y": 0}), rng)
    assert raised.status == "failed"
    assert "flaky on purpose" in raised.info["error"]
    task.close()


class SlowToStart(Tiny):
    """Takes ``STARTS`` seconds to build in a worker process; raises at once or after a good trial.

    The process is known by its lack of ``pytest``.
    """

    reproducible = False
    STARTS = 1.0

    def __init__(self) -> None:
        super().__init__()
        if "pytest" not in sys.modules:
            time.sleep(self.STARTS)

    def evaluate(self, config: Config, fidelity: float, rng: np.random.Generator) -> Observation:
        raise ValueError("no data")


def test_a_failure_is_not_charged_the_start_of_the_process() -> None:
    settings = {"_target_": f"{__name__}.SlowToStart", "name": "slow"}
    task = IsolatedTask(settings, [__name__.partition(".")[0]], limit=PATIENCE)
    seen = evaluate(task, Suggestion({"x": 0.5, "y": 0.5}), np.random.default_rng(0))
    task.close()
    assert (seen.status, seen.info["error"]) == ("failed", "ValueError: no data")
    assert 0 < seen.cost < SlowToStart.STARTS


@pytest.mark.parametrize("kind", ["pool", "spawn", "subprocess"])
def test_an_evaluation_may_start_processes_of_its_own(
    kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    described = {"_target_": "support.nested.Nested", "name": "nested", "kind": kind}
    task = IsolatedTask(described, ["support"], limit=PATIENCE)
    for _ in range(2):
        seen = task.evaluate({"x": 0.5, "y": 0.5}, 1.0, np.random.default_rng(0))
        assert (seen.status, seen.info) == ("ok", {"doubled": 42})
    task.close()
    assert capfd.readouterr().out == "evaluated\nevaluated\n"


def test_the_limit_kills_the_processes_of_an_evaluation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = clock.hold(monkeypatch, child_process)
    limits.runs = lambda: bool(pids(tmp_path))  # they have started
    described = {"_target_": "support.nested.Nested", "name": "nested", "kind": "hang"}
    task = IsolatedTask({**described, "marks": str(tmp_path)}, ["support"], limit=2.0)
    seen = task.evaluate({"x": 0.5, "y": 0.5}, 1.0, np.random.default_rng(0))
    assert seen.status == "timeout"
    assert pids(tmp_path)
    wait_for(lambda: not any(map(alive, pids(tmp_path))))
    task.close()


def test_the_limit_must_be_positive() -> None:
    with pytest.raises(ValueError, match="time_limit=0: must be positive"):
        IsolatedTask(FLAKY, ["support"], limit=0)
