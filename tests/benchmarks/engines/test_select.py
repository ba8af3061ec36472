from __future__ import annotations

import sys
from typing import Any

import pytest

from benchmarks.core.protocols import Task
from benchmarks.engines import real_time
from benchmarks.engines.isolated_task import EvaluationSettings, IsolatedTask, build_evaluated
from benchmarks.engines.local import Local
from benchmarks.engines.select import build_engine, engine_of
from benchmarks.engines.virtual import Virtual
from benchmarks.settings import ConfigError, RunSettings
from support import clock
from support.live import Live
from support.settings import run_settings
from support.tiny import Tiny


def settings(task: str = "support.tiny.Tiny", **workers: Any) -> RunSettings:
    described = {"_target_": task, "name": "mine"}
    return run_settings(task=described, allow=["support"], workers=workers)


def evaluated(limit: float | None = None, **task: Any) -> EvaluationSettings:
    described = {"_target_": "support.tiny.Tiny", "name": "mine", **task}
    return EvaluationSettings.of(run_settings(task=described, allow=["support"], time_limit=limit))


@pytest.mark.parametrize(
    ("task", "workers", "engine"),
    [
        (Tiny(), {}, "virtual"),
        (Tiny(), {"n": 20}, "virtual"),
        (Live(), {}, "serial"),
        (Live(), {"n": 2}, "local"),
        (Live(), {"n": 2, "engine": "virtual"}, "virtual"),
        (Tiny(), {"engine": "local"}, "local"),
        (Tiny(), {"engine": "dask", "address": "tcp://10.0.0.1:8786"}, "dask"),
    ],
)
def test_which_engine_a_run_has(task: Task, workers: dict[str, Any], engine: str) -> None:
    assert engine_of(settings(**workers).workers, task) == engine


@pytest.mark.parametrize(
    ("workers", "message"),
    [
        ({"n": 0}, "workers.n=0: must be a whole number, 1 or more"),
        ({"n": 2.5}, "workers.n=2.5: must be a whole number, 1 or more"),
        ({"n": True}, "workers.n=True: must be a whole number, 1 or more"),
        ({"n": None}, "workers.n=None: must be a whole number, 1 or more"),
        (
            {"engine": "desk"},
            "workers.engine=desk: must be virtual, serial, local, dask or null; did you mean",
        ),
        (
            {"overhead": -1},
            "workers.overhead=-1: must be a number of seconds, 0 or more, or measured",
        ),
        ({"overhead": "mesured"}, "workers.overhead=mesured: must be a number of seconds"),
        ({"overhead": None}, "workers.overhead=None: must be a number of seconds"),
        ({"overhead": float("nan")}, "workers.overhead=nan: must be a number of seconds"),
        ({"overhead": float("inf")}, "workers.overhead=inf: must be a number of seconds"),
        ({"address": "tcp://10.0.0.1:8786"}, "set workers.engine=dask"),
        ({"address": "tcp://10.0.0.1:8786", "engine": "local"}, "set workers.engine=dask"),
        ({"engine": "serial", "n": 2}, "workers.engine=serial has one worker, not workers.n=2"),
    ],
)
def test_a_setting_that_is_not_allowed_is_refused_in_one_line(
    workers: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        engine_of(settings(**workers).workers, Tiny())
    assert message in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_checkpoints_of_several_workers_need_a_folder_of_the_users() -> None:
    private = Live()
    private.private_checkpoints = True
    with pytest.raises(ConfigError, match=r"task\.checkpoint_dir=FOLDER"):
        engine_of(settings(n=2).workers, private)
    assert engine_of(settings(n=2).workers, Live()) == "local"
    assert engine_of(settings(n=1).workers, private) == "serial"  # in this process


def test_engines_are_built_with_the_clock_where_it_stood(monkeypatch: pytest.MonkeyPatch) -> None:
    virtual = build_engine(settings(n=3), Tiny(), 5.0)
    assert isinstance(virtual, Virtual)
    assert virtual.now == 5.0
    virtual.add_overhead(1000.0)
    assert virtual.now == 5.1
    measured = build_engine(settings(overhead="measured"), Tiny(), 5.0)
    measured.add_overhead(1000.0)
    assert measured.now == 1005.0
    clock.hold(monkeypatch, real_time)
    local = build_engine(settings("support.live.Live", n=3), Live(), 5.0)
    assert isinstance(local, Local)
    assert local.now == 5.0
    local.close()


def test_a_task_is_isolated_for_a_limit_or_on_demand_unless_it_has_children_of_its_own() -> None:
    assert isinstance(build_evaluated(evaluated()), Tiny)
    assert isinstance(build_evaluated(evaluated(), isolate=True), IsolatedTask)
    assert isinstance(build_evaluated(evaluated(3.0)), IsolatedTask)


def test_no_limit_for_a_task_with_a_limit_of_its_own_but_the_lower_one() -> None:
    limits = []
    for limit in (None, 3.0, 300.0):
        own = {"_target_": "support.live.Own", "time_limit": 30.0}
        task = build_evaluated(evaluated(limit, **own))
        limits.append(task.time_limit)  # type: ignore[attr-defined]
    assert limits == [30.0, 3.0, 30.0]


def test_dask_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError, match=r"pip install -e '\.\[parallel\]'"):
        engine_of(settings(engine="dask").workers, Tiny())
