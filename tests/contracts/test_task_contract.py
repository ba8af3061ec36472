"""The contract of every task.

A stranger's class: ``python -m pytest tests/contracts/test_task_contract.py --task=pkg.Class``.
Recorded tasks run as they ship; tasks without a table train for real, on few rows.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.budget import Budget
from benchmarks.core.protocols import Task
from benchmarks.runner import loop
from benchmarks.runner.resumption import resume
from benchmarks.runner.trace import Trace
from support.builders import group_settings, make_method, make_task
from support.tiny import without_clocks


@pytest.fixture(scope="module")
def task(task_name: str) -> Iterator[Task]:
    made = make_task(task_name)
    yield made
    made.close()


def test_its_yaml_names_it(task_name: str) -> None:
    assert group_settings("task", task_name)["name"] == task_name


def test_an_evaluation_anywhere_gives_an_observation(task: Task) -> None:
    rng = np.random.default_rng(0)
    for share in (task.fidelities.low, task.fidelities.clip(0.6), 1.0):
        observation = task.evaluate(task.space.sample(rng), share, rng)
        assert observation.status in ("ok", "diverged")
        assert observation.cost > 0
        assert math.isfinite(observation.loss) is (observation.status == "ok")
        assert not observation.loss < 0  # a validation error may be 0


def test_the_same_rng_gives_the_same_loss(task: Task) -> None:
    config = task.space.sample(np.random.default_rng(1))
    first, second = (
        task.evaluate(config, task.fidelities.low, np.random.default_rng(2)) for _ in range(2)
    )
    np.testing.assert_equal(first.loss, second.loss)  # NaN where both diverged
    assert first.test_loss == second.test_loss
    if task.reproducible:
        assert first == second


def test_losses_on_the_way_are_those_of_shorter_trainings(task: Task) -> None:
    config, target = task.space.sample(np.random.default_rng(1)), task.fidelities.clip(0.2)
    seen = task.evaluate(config, target, np.random.default_rng(2))
    if not task.fidelities.resumable:
        assert seen.curve == ()
    for share, loss in seen.curve:
        assert 0 < share < target
        shorter = task.evaluate(config, share, np.random.default_rng(2))
        assert shorter.loss == loss


def test_corners_and_edges_of_the_space_can_be_evaluated(task: Task) -> None:
    width = task.space.width
    for u in (np.zeros(width), np.ones(width), np.arange(width) % 2):
        config = task.space.decode(u.astype(float))
        assert task.evaluate(config, task.fidelities.low, np.random.default_rng(0)).cost > 0


def test_outside_the_space_or_the_fidelities_is_refused_in_one_line(task: Task) -> None:
    rng = np.random.default_rng(0)
    config = task.space.sample(rng)
    name = task.space.names[0]
    for bad, share in (
        ({**config, "no_such_name": 1.0}, 1.0),
        ({k: v for k, v in config.items() if k != name}, 1.0),
        ({**config, name: "rubbish"}, 1.0),
        (config, 1.5),
        (config, 0.0),
        (config, task.fidelities.low / 2),
    ):
        with pytest.raises(ValueError, match=r"^[^\n]+$"):
            task.evaluate(bad, share, rng)


def test_truth_is_never_below_the_best_known_loss(task: Task) -> None:
    rng = np.random.default_rng(3)
    for _ in range(200):
        truth = task.truth(task.space.sample(rng))
        if truth.loss is None or task.best_loss is None:
            return
        assert truth.loss >= task.best_loss - 1e-9
        assert truth.cost is None or truth.cost > 0


def test_its_facts_are_consistent_and_go_into_json(task: Task) -> None:
    json.dumps(dict(task.identity))
    assert 0 < task.fidelities.low <= 1
    assert task.fidelities.native(1.0) == task.fidelities.full
    assert task.target_cost is None or task.target_cost > 0
    assert isinstance(task.version, int)


def test_it_can_be_closed_twice_and_used_again(task: Task) -> None:
    task.close()
    task.close()
    config = task.space.sample(np.random.default_rng(0))
    assert task.evaluate(config, task.fidelities.low, np.random.default_rng(0)).cost > 0


def test_a_run_of_random_search_is_a_complete_trace(task: Task, tmp_path: Path) -> None:
    traces = []
    for folder in ("a", "b"):
        trace = Trace(tmp_path / folder / "trace.jsonl")
        method = make_method("random", task)
        with trace.open(sync=False) as writer:
            state = resume(trace, task)
            stopped_by = loop.run(method, task, Budget(trials=3), 0, writer, state)
        assert stopped_by == "trials"
        traces.append(trace.load())
    assert [row["trial"] for row in traces[0]] == [0, 1, 2]
    if task.reproducible:
        assert without_clocks(traces[0]) == without_clocks(traces[1])
    else:
        assert [r["config"] for r in traces[0]] == [r["config"] for r in traces[1]]
        assert [r["loss"] for r in traces[0]] == [r["loss"] for r in traces[1]]


@pytest.mark.slow
def test_every_method_runs_on_it(method_name: str, task: Task, tmp_path: Path) -> None:
    trace = Trace(tmp_path / "trace.jsonl")
    method = make_method(method_name, task)
    with trace.open(sync=False) as writer:
        loop.run(method, task, Budget(trials=16), 0, writer, resume(trace, task))
    rows = trace.load()
    assert len(rows) == 16
    assert rows[-1]["recommended"] is not None
