from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.budget import Budget
from benchmarks.core.protocols import Method, Task
from benchmarks.core.space import Config
from benchmarks.core.trial import Fidelities, History, Observation, Suggestion
from benchmarks.engines.base import PURPOSES, stream
from benchmarks.runner import loop
from benchmarks.runner.resumption import resume
from benchmarks.runner.trace import Trace
from methods.random_search import RandomSearch
from support.tiny import Flaky, Outside, Tiny, without_clocks


def run(tmp_path: Path, method: Method, task: Task, budget: Budget, seed: int = 0) -> Any:
    trace = Trace(tmp_path / "trace.jsonl")
    state = resume(trace, task)
    with trace.open(sync=False) as writer:
        stopped_by = loop.run(method, task, budget, seed, writer, state)
    return trace.load(), stopped_by


def random(task: Task) -> Method:
    return RandomSearch(task.space, task.fidelities)


def test_no_evaluation_starts_after_the_budget_and_the_crossing_one_is_kept(tmp_path: Path) -> None:
    rows, stopped_by = run(tmp_path, random(Tiny()), Tiny(), Budget(cost=3.5))
    assert stopped_by == "cost"
    assert [row["cumulative_cost"] for row in rows] == [1, 2, 3, 4]


def test_a_budget_met_exactly_ends_the_run(tmp_path: Path) -> None:
    rows, _ = run(tmp_path, random(Tiny()), Tiny(), Budget(target_evaluations=3))
    assert len(rows) == 3


def test_the_first_limit_reached_is_named(tmp_path: Path) -> None:
    assert run(tmp_path, random(Tiny()), Tiny(), Budget(trials=2, cost=3.5))[1] == "trials"


def test_resuming_after_any_number_of_trials_gives_the_unbroken_trace(tmp_path: Path) -> None:
    whole, _ = run(tmp_path / "whole", random(Tiny()), Tiny(), Budget(trials=6))
    for cut in range(6):
        folder = tmp_path / str(cut)
        run(folder, random(Tiny()), Tiny(), Budget(trials=cut + 1))
        resumed, _ = run(folder, random(Tiny()), Tiny(), Budget(trials=6))
        assert without_clocks(resumed) == without_clocks(whole)


def test_streams_differ_by_seed_trial_and_purpose() -> None:
    draws = {
        float(stream(seed, trial, purpose).random())
        for seed in range(3)
        for trial in range(3)
        for purpose in PURPOSES
    }
    assert len(draws) == 27


class Twice(Method):
    """Every config first at 1/4, then at the target; two configs."""

    def suggest(self, history: History, rng: np.random.Generator) -> Suggestion:
        number = len(history)
        if number % 2:
            return Suggestion(history.trials[-1].config, 1.0)
        return Suggestion({"x": 0.1 + 0.1 * number, "y": 0.5}, 0.25)

    def recommend(self, history: History, rng: np.random.Generator) -> Config | None:
        return None


def test_a_resumable_task_continues_a_config_for_the_difference(tmp_path: Path) -> None:
    restarting, continuing = Tiny(), Tiny()
    continuing.fidelities = Fidelities(low=1 / 64, resumable=True)
    plain, _ = run(tmp_path / "a", Twice(), restarting, Budget(trials=4))
    resumed, _ = run(tmp_path / "b", Twice(), continuing, Budget(trials=4))
    assert [row["cost"] for row in plain] == [0.25, 1.0, 0.25, 1.0]
    assert [row["cost"] for row in resumed] == [0.25, 0.75, 0.25, 0.75]
    assert [row["info"].get("restart_cost") for row in resumed] == [None, 1.0, None, 1.0]
    # the same training: the noise of the config's first trial, not new noise
    assert resumed[0]["loss"] == plain[0]["loss"]
    assert resumed[1]["loss"] != plain[1]["loss"]
    noise = [row["loss"] / continuing._loss(row["config"], row["fidelity"]) for row in resumed]
    assert noise[1] == pytest.approx(noise[0])
    assert noise[2] != pytest.approx(noise[0])


class Resumable(Tiny):
    """Its trainings continue, and report the loss at each eighth on the way."""

    def __init__(self) -> None:
        super().__init__(values=tuple(n / 8 for n in range(1, 9)))
        self.fidelities = replace(self.fidelities, resumable=True)

    def evaluate(self, config: Config, fidelity: float, rng: np.random.Generator) -> Observation:
        seen = super().evaluate(config, fidelity, rng)
        on_the_way = [n / 8 for n in range(1, 8) if n / 8 < fidelity]
        return replace(seen, curve=tuple((s, self._loss(config, s)) for s in on_the_way))


def test_losses_that_were_paid_for_are_in_the_history_and_in_the_trace(tmp_path: Path) -> None:
    seen: list[History] = []

    class Watching(Twice):
        def suggest(self, history: History, rng: np.random.Generator) -> Suggestion:
            seen.append(history)
            return super().suggest(history, rng)

    task = Resumable()
    rows, _ = run(tmp_path / "whole", Watching(), task, Budget(trials=4))
    at = [[s for s, _ in row.get("curve", ())] for row in rows]
    assert at == [[0.125], [0.375, 0.5, 0.625, 0.75, 0.875]] * 2
    expected = [[task._loss(row["config"], s) for s in a] for row, a in zip(rows, at, strict=True)]
    assert [[loss for _, loss in row["curve"]] for row in rows] == expected
    assert [trial.curve for trial in seen[-1]] == [tuple(row["curve"]) for row in rows[:3]]
    # a run that goes on has them again, whichever of its files held them
    run(tmp_path / "resumed", Twice(), task, Budget(trials=3))
    trace = Trace(tmp_path / "resumed" / "trace.jsonl")
    first = resume(trace, task).history
    assert [trial.curve for trial in first] == [trial.curve for trial in seen[-1]]
    lines = trace.path.read_bytes().splitlines(keepends=True)
    trace.path.write_bytes(b"".join(lines[:-1]))
    (waiting,) = resume(trace, task).pending
    assert waiting.observation.curve == seen[-1].trials[2].curve
    resumed, _ = run(tmp_path / "resumed", Twice(), task, Budget(trials=4))
    assert without_clocks(resumed) == without_clocks(rows)


def test_a_trace_without_losses_on_the_way_has_no_field_for_them(tmp_path: Path) -> None:
    rows, _ = run(tmp_path, Twice(), Tiny(), Budget(trials=2))
    assert not any("curve" in row for row in rows)


def test_a_trace_holds_nominal_costs_where_the_task_names_them(tmp_path: Path) -> None:
    task = Tiny()
    task.fidelities = Fidelities(values=(0.25, 1.0), nominal=(0.1, 1.0))
    rows, _ = run(tmp_path / "a", Twice(), task, Budget(trials=2))
    assert [row["nominal"] for row in rows] == [0.1, 1.0]
    rows, _ = run(tmp_path / "b", Twice(), Tiny(), Budget(trials=2))
    assert [row["nominal"] for row in rows] == [None, None]


def test_a_budget_of_nominal_cost_counts_what_was_started(tmp_path: Path) -> None:
    task = Tiny()
    task.fidelities = Fidelities(values=(0.25, 1.0), nominal=(0.1, 1.0))
    rows, stopped_by = run(tmp_path, Twice(), task, Budget(nominal=2.15))
    assert stopped_by == "nominal"
    assert [row["nominal"] for row in rows] == [0.1, 1.0, 0.1, 1.0]


def test_what_json_cannot_hold_becomes_its_text(tmp_path: Path) -> None:
    class Odd(Tiny):
        def evaluate(
            self, config: Config, fidelity: float, rng: np.random.Generator
        ) -> Observation:
            info = {"curve": [0.1, math.nan], "lowest": np.float64("nan"), "at": {1}}
            return replace(super().evaluate(config, fidelity, rng), info=info)

    rows, _ = run(tmp_path, random(Odd()), Odd(), Budget(trials=1))
    assert rows[0]["info"] == {"curve": [0.1, None], "lowest": None, "at": "{1}"}


def test_a_flaky_task_gives_statuses_and_costs_not_a_crash(tmp_path: Path) -> None:
    rows, _ = run(tmp_path, random(Flaky()), Flaky(), Budget(trials=40))
    kinds = {int(row["config"]["x"] * 8): row for row in rows}
    assert {kinds[k]["status"] for k in (0, 2, 3)} == {"failed"}
    assert kinds[1]["status"] == "diverged"
    assert kinds[5]["status"] == "ok"
    assert "flaky on purpose" in kinds[0]["info"]["error"]
    assert all(row["loss"] is None for row in rows if row["status"] != "ok")
    # reproducible tasks are charged nominally when they raise: no clock reading in the trace
    assert kinds[0]["cost"] == kinds[0]["fidelity"] * Tiny.target_cost


def test_a_suggestion_outside_the_space_ends_the_run_with_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(loop.MethodError, match=r"invalid suggestion: x=2\.0: allowed is"):
        run(tmp_path, Outside(Tiny.space, Tiny().fidelities), Tiny(), Budget(trials=2))


class Recommends(RandomSearch):
    """Recommends ``what``."""

    what: Any = None

    def recommend(self, history: History, rng: np.random.Generator) -> Config | None:
        recommended: Config | None = self.what
        return recommended


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ({"x": 7.0, "y": 0.5}, r"recommend returned an invalid config: x=7\.0: allowed is"),
        ({"x": 0.5}, "recommend returned an invalid config: hyperparameter 'y' is missing"),
        ({"x": math.nan, "y": 0.5}, "recommend returned an invalid config: x=nan"),
        ("x", "recommend returned str, not a config or None"),
    ],
)
def test_a_recommended_config_outside_the_space_ends_the_run_and_the_training_is_kept(
    what: Any, says: str, tmp_path: Path
) -> None:
    method = Recommends(Tiny.space, Tiny().fidelities)
    method.what = what
    with pytest.raises(loop.MethodError, match=says):
        run(tmp_path, method, Tiny(), Budget(trials=2))
    assert len((tmp_path / "ended.jsonl").read_text().splitlines()) == 1


def test_what_is_no_suggestion_ends_the_run_with_a_clear_error(tmp_path: Path) -> None:
    class Pair(RandomSearch):
        def suggest(self, history: History, rng: np.random.Generator) -> Suggestion:
            return {"x": 0.5}, 1.0  # type: ignore[return-value]

    with pytest.raises(loop.MethodError, match="suggest returned tuple, not a Suggestion or None"):
        run(tmp_path, Pair(Tiny.space, Tiny().fidelities), Tiny(), Budget(trials=2))


def test_best_at_target_is_absent_before_the_first_target_trial(tmp_path: Path) -> None:
    class Climbing(RandomSearch):
        def suggest(self, history: History, rng: np.random.Generator) -> Suggestion:
            share = (0.25, 0.5, 1.0)[len(history)]
            return Suggestion(self.space.sample(rng), share, {"rung": len(history)})

        space = Tiny.space

    task = Tiny()
    rows, _ = run(tmp_path, Climbing(task.space, task.fidelities), task, Budget(trials=3))
    assert [row["best_at_target"] for row in rows] == [None, None, 2]
    assert rows[0]["best_seen"] == 0
    assert [row["note"] for row in rows] == [{"rung": 0}, {"rung": 1}, {"rung": 2}]


def test_a_row_holds_the_truth_of_the_trial_and_of_the_recommended_config(tmp_path: Path) -> None:
    task = Tiny()
    rows, _ = run(tmp_path, random(task), task, Budget(trials=5))
    for row in rows:
        assert row["true_loss"] == task.truth(row["config"]).loss
        assert row["recommended_loss"] == task.truth(row["recommended"]).loss
        assert row["recommended_test_loss"] == task.truth(row["recommended"]).test_loss
        assert row["recommended_cost"] == 1.0
        assert row["test_loss"] == pytest.approx(1.1 * row["loss"])
    assert [r["cumulative_cost"] for r in rows] == sorted(r["cumulative_cost"] for r in rows)


def test_numpy_values_and_tuples_reach_the_method_as_a_resumed_run_reads_them(
    tmp_path: Path,
) -> None:
    seen: list[Any] = []

    class Numpy(RandomSearch):
        def suggest(self, history: History, rng: np.random.Generator) -> Suggestion:
            seen.extend((trial.config, trial.note) for trial in history)
            config: Config = {"x": np.float64(0.5), "y": np.float32(0.25)}
            return Suggestion(config, 1.0, {"pair": (1, 2)})

    run(tmp_path, Numpy(Tiny.space, Tiny().fidelities), Tiny(), Budget(trials=2))
    assert seen == [({"x": 0.5, "y": 0.25}, {"pair": [1, 2]})]
    assert type(seen[0][0]["x"]) is float


def test_cpu_seconds_of_a_methods_own_processes_are_overhead(tmp_path: Path) -> None:
    class Elsewhere(RandomSearch):
        def suggest(self, history: History, rng: np.random.Generator) -> Suggestion:
            self.cpu_elsewhere += 1000.0
            return super().suggest(history, rng)

    task = Tiny()
    rows, _ = run(tmp_path, Elsewhere(task.space, task.fidelities), task, Budget(trials=2))
    assert all(1000 <= row["suggest_overhead"] < 1100 for row in rows)
    assert all(row["recommend_overhead"] < 100 for row in rows)
