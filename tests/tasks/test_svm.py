from __future__ import annotations

import inspect
import math
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.svm import SVC

from benchmarks.compose import compose
from benchmarks.core import child_process
from support import clock
from support.waiting import PATIENCE
from tasks import datasets as data
from tasks import svm
from tasks.replay.evaluations import RecordedTask
from tasks.replay.table import TableError
from tasks.subprocess_worker import WorkerProcess
from tasks.subsets import stratified_order

CONFIG = {"log_c": 1.0, "log_gamma": -4.0}
WIDE = {"log_c": 3.0, "log_gamma": 10.0}  # every row is alike to itself only
Build = Callable[..., svm.SVM]


@pytest.fixture(scope="module")
def build(sensit_dir: str) -> Iterator[Build]:
    """Build live tasks on the made-up SensIT file; those with equal options are shared."""
    built: dict[str, svm.SVM] = {}

    def build(dataset: str = "vehicle_sensit", **options: Any) -> svm.SVM:
        options = {"backend": "sklearn", "train_rows": 100, "data_dir": sensit_dir, **options}
        if options["backend"] == "sklearnex":
            pytest.importorskip("daal4py")
        key = repr((dataset, sorted(options.items())))
        if key not in built:
            built[key] = svm.SVM(dataset, **options)
        return built[key]

    yield build
    for task in built.values():
        task.close()


@pytest.mark.parametrize("backend", svm.BACKENDS)
def test_loss_and_test_loss_are_those_of_an_svc_fitted_by_hand(
    backend: str, build: Build, sensit_dir: str
) -> None:
    loaded = data.load("vehicle_sensit", sensit_dir)
    train, validation = loaded.split(3)
    order = stratified_order(loaded.y[train], np.random.default_rng([3, 0]))
    subset = train[order][:50]
    model = SVC(C=math.exp(1), gamma=math.exp(-4)).fit(loaded.X[subset], loaded.y[subset])
    expected = [
        np.mean(model.predict(loaded.X[rows]) != loaded.y[rows])
        for rows in (validation, loaded.test)
    ]
    seen = build(backend=backend).evaluate_replicate(CONFIG, 0.5, 3)
    assert seen.status == "ok"
    # the two solvers stop within the same tolerance of the optimum, not at the same point
    atol = 0 if backend == "sklearn" else 0.002
    np.testing.assert_allclose([seen.loss, seen.test_loss], expected, rtol=0, atol=atol)
    assert seen.cost > 0
    assert seen.info["wall"] > 0


def test_no_validation_or_test_row_is_trained_on(build: Build, sensit_dir: str) -> None:
    """With so large a gamma an unseen row gets one constant label, a trained one its own."""
    loaded = data.load("vehicle_sensit", sensit_dir)
    for subset_seed in range(4):
        seen = build().evaluate_replicate(WIDE, 1.0, subset_seed)
        for loss, rows in ((seen.loss, loaded.validation), (seen.test_loss, loaded.test)):
            assert loss in (np.mean(loaded.y[rows] == 0), np.mean(loaded.y[rows] == 1))


def test_a_subset_seed_fixes_the_loss_and_another_one_changes_it(build: Build) -> None:
    first, again, other = (build().evaluate_replicate(CONFIG, 0.5, r) for r in (1, 1, 2))
    assert (first.loss, first.test_loss) == (again.loss, again.test_loss)
    assert first.loss != other.loss
    assert first.info["subset_seed"] == 1


def test_evaluate_draws_its_subset_seed_from_its_rng(build: Build) -> None:
    task = build(subset_seeds=3)
    seen = [task.evaluate(CONFIG, 0.2, np.random.default_rng(i)) for i in range(4)]
    drawn = [s.info["subset_seed"] for s in seen]
    assert drawn == [int(np.random.default_rng(i).integers(3)) for i in range(4)]
    by_hand = task.evaluate_replicate(CONFIG, 0.2, drawn[3])
    assert seen[3].loss == by_hand.loss


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["vehicle_statlog", "covertype_sample"])
def test_both_backends_agree_on_real_data(dataset: str, build: Build, data_dir: str) -> None:
    options = {"data_dir": data_dir, "scale": "minmax", "train_rows": 400}
    config = {"log_c": 5.0, "log_gamma": 0.0}
    plain, fast = (
        build(dataset, backend=backend, **options).evaluate_replicate(config, 1.0, 1)
        for backend in ("sklearn", "sklearnex")
    )
    assert plain.status == fast.status == "ok"
    assert fast.loss == pytest.approx(plain.loss, abs=0.01)
    assert plain.loss < 0.45


@pytest.mark.slow
def test_both_backends_agree_on_mnist(build: Build, data_dir: str) -> None:
    config = {"log_c": 2.0, "log_gamma": -4.0}
    plain, fast = (
        build("mnist", backend=b, data_dir=data_dir, train_rows=2000).evaluate_replicate(
            config, 1, 0
        )
        for b in svm.BACKENDS
    )
    assert fast.loss == pytest.approx(plain.loss, abs=0.01)
    assert plain.loss < 0.06


def test_minmax_uses_the_training_rows_of_the_seed(build: Build, data_dir: str) -> None:
    loaded = data.load("vehicle_statlog", data_dir)
    train, validation = loaded.split(4)
    low, high = loaded.X[train].min(axis=0), loaded.X[train].max(axis=0)
    X = (loaded.X - low) / (high - low)
    model = SVC(C=math.exp(5), gamma=1.0).fit(X[train], loaded.y[train])
    options = {"data_dir": data_dir, "scale": "minmax", "train_rows": None}
    task = build("vehicle_statlog", **options)
    seen = task.evaluate_replicate({"log_c": 5, "log_gamma": 0}, 1.0, 4)
    # the order of the rows differs; a row at the decision boundary may fall on either side
    expected = np.mean(model.predict(X[validation]) != loaded.y[validation])
    assert seen.loss == pytest.approx(expected, abs=2.1 / 211)


def test_a_real_long_fit_is_killed_at_the_limit_charged_it_and_the_task_goes_on(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = build(train_rows=None, time_limit=1.0)
    seen = task.evaluate_replicate({"log_c": 5.0, "log_gamma": -5.0}, 1.0, 0)
    assert (seen.status, seen.cost, seen.test_loss) == ("timeout", 1.0, None)
    assert math.isnan(seen.loss)
    assert "killed after 1 s" in seen.info["error"]
    clock.hold(monkeypatch, child_process)  # the next one may take as long as it needs
    assert task.evaluate_replicate(CONFIG, 20 / 44229, 0).status == "ok"


def test_an_evaluation_that_raises_is_a_failed_one(build: Build) -> None:
    seen = build().evaluate_replicate(CONFIG, 1 / 100, 0)
    assert seen.status == "failed"
    assert math.isnan(seen.loss)
    assert "fewer than two classes" in seen.info["error"]


THREADS = (
    "(lambda serve: lambda: [serve('fit', 1.0, -4.0, 1.0, 0) and None,"
    " [p['num_threads'] for p in __import__('threadpoolctl').threadpool_info()],"
    " __import__('daal4py').num_threads() if {!r} == 'sklearnex' else 1,"
    # an allocator of some packages has a thread of its own, which computes nothing
    " sum('jemalloc' not in path.read_text()"
    " for path in __import__('pathlib').Path('/proc/self/task').glob('*/comm'))])"
    "(__import__('tasks.svm').svm._build('vehicle_sensit', {!r}, 'none', {!r}, 100, 1))"
)


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
@pytest.mark.parametrize("backend", ["sklearnex", pytest.param("sklearn", marks=pytest.mark.slow)])
def test_the_child_fits_on_one_thread(backend: str, sensit_dir: str) -> None:
    if backend == "sklearnex":
        pytest.importorskip("daal4py")
    worker = WorkerProcess(eval, THREADS.format(backend, backend, sensit_dir))
    _, pools, daal, threads = worker.call(limit=PATIENCE)
    worker.close()
    assert pools
    assert set(pools) == {1}
    assert daal == 1
    assert threads == 1


def test_outside_a_child_the_serving_function_refuses_to_run(
    sensit_dir: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with pytest.raises(RuntimeError, match="single-threaded"):
        svm._build("vehicle_sensit", "sklearn", "none", sensit_dir, 400, 1)


def test_without_the_extra_one_line_says_what_to_do(
    sensit_dir: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "daal4py", None)
    with pytest.raises(ValueError, match=r"\.\[live\].*task\.backend=sklearn$"):
        svm.SVM("vehicle_sensit", data_dir=sensit_dir)
    svm.SVM("vehicle_sensit", "sklearn", data_dir=sensit_dir)


def test_a_silent_fall_back_is_detected() -> None:
    pytest.importorskip("daal4py")
    from sklearnex import svm as fast

    X, y = np.random.default_rng(0).random((60, 3)), np.arange(60) % 2
    svm.check_accelerated(fast.SVC().fit(X, y))
    fallen = fast.SVC(kernel=lambda a, b: a @ b.T).fit(X, y)  # oneDAL knows no such kernels
    for model in (fallen, SVC().fit(X, y)):
        with pytest.raises(RuntimeError, match="fell back"):
            svm.check_accelerated(model)


def test_the_refit_is_another_column_and_only_made_when_asked_for(
    build: Build, data_dir: str
) -> None:
    options = {"data_dir": data_dir, "scale": "minmax", "train_rows": None}
    config = {"log_c": 5.0, "log_gamma": 0.0}
    assert build("vehicle_statlog", **options).refit_test_loss(config) is None
    task = build("vehicle_statlog", test=True, **options)
    loaded = data.load("vehicle_statlog", data_dir)
    train, validation = loaded.split(0)
    low, high = loaded.X[train].min(axis=0), loaded.X[train].max(axis=0)
    X = (loaded.X - low) / (high - low)
    both = np.concatenate([train, validation])
    model = SVC(C=math.exp(5), gamma=1.0).fit(X[both], loaded.y[both])
    expected = np.mean(model.predict(X[loaded.test]) != loaded.y[loaded.test])
    refit = task.refit_test_loss(config)
    assert refit == pytest.approx(expected, abs=1.1 / 212)
    assert refit == task.refit_test_loss(config)
    assert task.evaluate_replicate(config, 1.0, 0).test_loss != refit


@pytest.mark.parametrize("task", ["svm_mnist", "svm_covertype", "svm_letter", "svm_vehicle"])
def test_the_untuned_config_is_that_of_svc_by_default(task: str, data_dir: str) -> None:
    """``C=1, gamma="scale"``: 1 / (features * variance), of the rows as the task scales them."""
    settings = compose("config", [f"task={task}"])["task"]
    names = [settings["data"], f"{settings['data']}_{settings['dataset']}"]
    loaded = data.load(names[settings["data"] != settings["dataset"]], data_dir)
    train, _ = loaded.split(0)
    X = loaded.X.astype(float)
    if settings["scale"] == "minmax":
        low, high = X[train].min(axis=0), X[train].max(axis=0)
        X = (X - low) / np.where(high > low, high - low, 1)
    gamma = 1 / (X.shape[1] * X[train].var())
    assert settings["baseline_default"]["log_c"] == 0
    assert settings["baseline_default"]["log_gamma"] == pytest.approx(math.log(gamma), abs=1e-4)


def test_train_rows_caps_what_the_fidelity_is_a_share_of(build: Build) -> None:
    small, all_of_it = build(train_rows=400), build(train_rows=10**6)
    assert small.fidelities.full == 400
    assert small.fidelities.low == 20 / 400  # ten rows a class
    assert all_of_it.fidelities.full == 44229
    assert all_of_it.fidelities.low == 1 / 512
    assert small.identity["train_rows"] == 400
    assert small.loss_floor == 0.5 / 21785


def test_identity_tells_data_backend_scale_and_rows_apart(build: Build, data_dir: str) -> None:
    tasks = [
        build(),
        build(train_rows=500),
        build(scale="minmax"),
        build("vehicle_statlog", data_dir=data_dir),
    ]
    assert len({repr(sorted(task.identity.items())) for task in tasks}) == 4
    assert build().identity["backend"] == "sklearn"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"backend": "sklearnx"}, r"task\.backend=sklearnx: .*did you mean 'sklearnex'"),
        ({"scale": "min-max"}, r"task\.scale=min-max: .*did you mean 'minmax'"),
        ({"time_limit": 0}, r"task\.time_limit=0: must be positive"),
        ({"subset_seeds": 0}, r"task\.subset_seeds=0: must be a whole number"),
        ({"subset_seeds": 2.5}, r"task\.subset_seeds=2.5: must be a whole number"),
        ({"timings": 0}, r"task\.timings=0: must be a whole number"),
        ({"train_rows": 0}, r"task\.train_rows=0: must be a whole number"),
        ({"train_rows": -5}, r"task\.train_rows=-5: must be a whole number"),
        ({"train_rows": 19}, r"task\.train_rows=19: at least 20 are needed"),
        ({"min_fidelity": 2.0}, "fidelities must rise from above 0 to 1"),
    ],
)
def test_a_bad_option_is_one_clear_line(options: dict[str, Any], says: str, build: Build) -> None:
    with pytest.raises(ValueError, match=says) as error:
        build(**options)
    assert "\n" not in str(error.value)


def test_configs_and_fidelities_outside_are_refused_before_training(build: Build) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="log_gamma"):
        build().evaluate({"log_c": 0.0, "log_gamma": 10.5}, 1.0, rng)
    with pytest.raises(ValueError, match="fidelity"):
        build().evaluate(CONFIG, 0.01, rng)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"data": "mnits"}, r"task\.data=mnits: .*did you mean 'mnist'"),
        ({"dataset": "satlog"}, r"task\.dataset=satlog: .*did you mean 'statlog'"),
        ({"source": "lives"}, r"task\.source=lives: .*did you mean 'live'"),
        ({"train_row": 5}, r"unknown key task\.train_row; did you mean 'train_rows'"),
        ({"source": "live", "train_row": 5}, r"unknown key task\.train_row; did you mean"),
        ({"dataset": "sensit"}, r"sensit is not recorded: set task\.source=live, or"),
    ],
)
def test_the_factory_refuses_in_one_clear_line(options: dict[str, Any], says: str) -> None:
    chosen = {"data": "vehicle", "dataset": "statlog", "table": "svm_vehicle", **options}
    with pytest.raises(ValueError, match=says) as error:
        svm.svm_task(**chosen)
    assert "\n" not in str(error.value)


def test_the_factory_builds_the_live_task_or_the_replay(sensit_dir: str, tmp_path: Path) -> None:
    live = svm.svm_task(
        "vehicle", "sensit", "live", backend="sklearn", data_dir=sensit_dir, train_rows=50
    )
    assert isinstance(live, svm.SVM)
    assert live.fidelities.full == 50
    with pytest.raises(TableError, match="no table"):
        svm.svm_task("vehicle", "statlog", table=str(tmp_path / "none.npz"))
    shipped = sorted((Path(inspect.getfile(svm)).parent / "tables").glob("svm_*.npz"))
    for path in shipped:
        family = path.stem.removeprefix("svm_")
        replay = svm.svm_task(family, svm.DATASETS[family][0], table=path.stem)
        assert isinstance(replay, RecordedTask)
        assert replay.space == live.space


def test_importing_the_task_does_not_import_the_extra() -> None:
    code = "import sys, tasks.svm, tasks.replay.evaluations; sys.exit('sklearnex' in sys.modules)"
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", code]) == 0
