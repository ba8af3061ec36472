"""Live RBF-SVM; the fidelity is the share of the training rows (Klein et al. 2017)."""

from __future__ import annotations

import functools
import math
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.core.arrays import Rows
from benchmarks.core.protocols import Task
from benchmarks.core.space import Config, Float, Space, check_choice
from benchmarks.core.trial import Fidelities, Observation
from tasks import datasets as data
from tasks.subprocess_worker import WorkerFailureError, WorkerProcess
from tasks.subsets import stratified_order
from tasks.training.source import SOURCES, with_options_of
from tasks.training.worker_task import Pause, WorkerTask, check_time_limit

BACKENDS = ("sklearnex", "sklearn")
SCALES = ("none", "minmax")
# data sets of each family; the first is the default, and the one with a recorded table
DATASETS = {
    "mnist": ("mnist",),
    "covertype": ("sample", "openml180"),
    "letter": ("letter",),
    "vehicle": ("statlog", "sensit"),
}
CAPTIONS = {"vehicle_statlog": "Statlog: not the paper's data, milliseconds a fit"}
# Natural exponents, as in the paper's code.
SPACE = Space({"log_c": Float(-10.0, 10.0), "log_gamma": Float(-10.0, 10.0)})


class SVM(WorkerTask):
    """Live task: ``SVC(C=exp(log_c), gamma=exp(log_gamma))`` on nested, stratified subsets.

    The loss is the error rate on all validation rows. The cost is the CPU seconds, on one thread,
    of drawing the subset, fitting, and scoring the validation rows. The same fitted model scores
    the test rows; this is not charged.
    """

    version = 1
    space = SPACE

    def __init__(
        self,
        dataset: str,
        backend: str = "sklearnex",
        scale: str = "none",
        data_dir: str | None = None,
        train_rows: int | None = None,
        subset_seeds: int = 10,
        min_fidelity: float = 1 / 512,
        rows_per_class: int = 10,
        timings: int = 1,
        time_limit: float = 1800.0,
        test: bool = False,
        baseline_default: Config | None = None,
    ) -> None:
        """Load the data and check the backend.

        Args:
            dataset: a data set of ``tasks.datasets``.
            backend: ``sklearnex`` (fast; extra ``.[live]``) or ``sklearn`` (the paper's).
            scale: ``none``, or ``minmax`` scaling fitted to the training rows.
            data_dir: folder with the npz files; None downloads them.
            train_rows: maximum number of training rows, for quick trials; None uses all.
            subset_seeds: each evaluation draws its subset seed from 0 .. subset_seeds - 1.
            min_fidelity: lowest fidelity offered; raised if it has too few rows per class.
            rows_per_class: mean number of rows per class required at the lowest fidelity.
            timings: number of timings; the cost is their median (for fits of milliseconds).
            time_limit: seconds of wall time after which an evaluation is killed; its status is
                then ``timeout`` and its cost the limit.
            test: also report the test loss of a refit on training and validation rows.
            baseline_default: the untuned config that gains are measured against.

        Raises:
            ValueError: an option is out of range, or the backend is not installed.
            tasks.datasets.DataError: the data set is not available.
        """
        check_choice("task.backend", backend, BACKENDS)
        check_choice("task.scale", scale, SCALES)
        check_time_limit(time_limit)
        self._set_baselines({"default": baseline_default})
        counts = {
            "subset_seeds": subset_seeds,
            "timings": timings,
            "train_rows": train_rows,
            "rows_per_class": rows_per_class,
        }
        for name, number in counts.items():
            if number is not None and (not isinstance(number, int) or number < 1):
                raise ValueError(f"task.{name}={number}: must be a whole number, 1 or more")
        _check_backend(backend)
        loaded = data.load(dataset, data_dir)
        classes = len(np.unique(loaded.y))
        rows = min(len(loaded.train) if train_rows is None else train_rows, len(loaded.train))
        least = rows_per_class * classes
        if rows < least:
            raise ValueError(f"task.train_rows={train_rows}: at least {least} are needed")
        self.fidelities = Fidelities(
            low=max(min_fidelity, least / rows), full=rows, unit="training rows"
        )
        self.loss_floor = 0.5 / len(loaded.validation)
        self.caption = CAPTIONS.get(dataset, "")
        self.sizes = {
            "training rows": rows,
            "validation rows": len(loaded.validation),
            "test rows": len(loaded.test),
            "features": loaded.X.shape[1],
            "classes": classes,
        }
        self._identity = {
            "data": f"{dataset} {loaded.sha256}",
            "backend": backend,
            "scale": scale,
            "train_rows": rows,
        }
        self._seeds, self._limit, self._refit = subset_seeds, time_limit, test
        self._worker = WorkerProcess(_build, dataset, backend, scale, data_dir, rows, timings)
        self._refits: dict[tuple[float, float], float | None] = {}

    def _train(
        self, config: Config, fidelity: float, seed: int, pause: Pause, recording: bool
    ) -> Observation:
        """Train on a subset whose seed fixes the order of the rows for all configs and fidelities.

        The recorder may ask for a fidelity below the lowest of ``fidelities``.
        """
        if not recording:
            self.space.check(config)
            self.fidelities.check(fidelity)
        request = ("fit", float(config["log_c"]), float(config["log_gamma"]), fidelity, seed)
        info: dict[str, Any] = {"subset_seed": seed}
        result = self._request(request, info, pause)
        if isinstance(result, Observation):
            return result
        info["wall"] = max(result["wall"] - self._worker.paused, result["cost"])
        return Observation(result["loss"], result["cost"], "ok", result["test_loss"], info)

    def refit_test_loss(self, config: Config) -> float | None:
        """Return the test error of a refit on training and validation rows, as in the paper's code.

        Used for incumbents only and not charged. None without the option ``test``, or if the refit
        failed, since a failed refit must not fail the trial.
        """
        if not self._refit:
            return None
        key = (float(config["log_c"]), float(config["log_gamma"]))
        if key not in self._refits:
            try:
                self._refits[key] = self._worker.call("refit", *key, 1.0, 0, limit=math.inf)
            except WorkerFailureError:
                self._refits[key] = None
        return self._refits[key]


def _check_backend(backend: str) -> None:
    if backend == "sklearnex":
        try:
            import daal4py  # noqa: F401
        except ImportError:
            raise ValueError(
                "task.backend=sklearnex needs scikit-learn-intelex: pip install -e '.[live]', "
                "or choose task.backend=sklearn"
            ) from None


def check_accelerated(model: Any) -> None:
    """Raise ``RuntimeError`` if sklearnex fell back to plain scikit-learn to fit ``model``."""
    if getattr(model, "_onedal_estimator", None) is None:
        raise RuntimeError("scikit-learn-intelex fell back to plain scikit-learn")


def _build(
    dataset: str, backend: str, scale: str, data_dir: str | None, rows: int, timings: int
) -> Callable[..., Any]:
    """Load the data and return the function that serves requests; runs in the worker process."""
    loaded = data.load(dataset, data_dir)
    if backend == "sklearnex":
        import daal4py
        from sklearnex.svm import SVC

        daal4py.daalinit(1)
    else:
        from sklearn.svm import SVC

    def fitted(X: Any, y: Any, log_c: float, log_gamma: float) -> Any:
        model = SVC(C=math.exp(log_c), gamma=math.exp(log_gamma)).fit(X, y)
        if backend == "sklearnex":
            check_accelerated(model)
        return model

    def scaled(train: Rows) -> Any:
        if scale == "none":
            return loaded.X
        low, high = loaded.X[train].min(axis=0), loaded.X[train].max(axis=0)
        return (loaded.X - low) / np.where(high > low, high - low, 1.0)

    @functools.lru_cache(maxsize=1)
    def prepare(seed: int) -> tuple[Any, Rows, Rows, Any, Any]:
        """Return all scaled features, training rows in subset order, validation rows, and the
        features of the validation and test rows (copied here, so that copying is not timed).
        """
        train, validation = loaded.split(seed)
        order = stratified_order(loaded.y[train], np.random.default_rng([seed, 0]))
        X = scaled(train)
        return X, train[order][:rows], validation, X[validation], X[loaded.test]

    def fit(log_c: float, log_gamma: float, fidelity: float, seed: int) -> dict[str, Any]:
        X, order, validation, X_validation, X_test = prepare(seed)
        count = max(1, round(fidelity * rows))
        costs, walls = [], []
        for _ in range(timings):
            wall, cpu = time.perf_counter(), time.process_time()
            subset = order[:count]
            if len(np.unique(loaded.y[subset])) < 2:
                raise ValueError(f"a subset of {count} rows holds fewer than two classes")
            model = fitted(X[subset], loaded.y[subset], log_c, log_gamma)
            loss = float(np.mean(model.predict(X_validation) != loaded.y[validation]))
            costs.append(time.process_time() - cpu)
            walls.append(time.perf_counter() - wall)
        test_loss = float(np.mean(model.predict(X_test) != loaded.y[loaded.test]))
        cost, wall = float(np.median(costs)), float(np.median(walls))
        if (
            cost > 1.05 * wall + 0.02
        ):  # tolerance for the clocks' resolution in fits of milliseconds
            raise RuntimeError(f"ran on more than one thread: {cost:.2f} CPU s in {wall:.2f} s")
        return {"loss": loss, "cost": cost, "wall": wall, "test_loss": test_loss}

    def refit(log_c: float, log_gamma: float, fidelity: float, seed: int) -> float:
        del fidelity
        X, order, validation, _, X_test = prepare(seed)
        both = np.concatenate([order, validation])
        model = fitted(X[both], loaded.y[both], log_c, log_gamma)
        return float(np.mean(model.predict(X_test) != loaded.y[loaded.test]))

    serve = {"fit": fit, "refit": refit}
    if os.environ.get("OMP_NUM_THREADS") != "1":
        raise RuntimeError("the worker process must run single-threaded")
    return lambda kind, *arguments: serve[kind](*arguments)


@with_options_of(SVM)
def svm_task(
    data: str, dataset: str, source: str = "recorded", table: str | None = None, **options: Any
) -> Task:
    """Build the task ``task=svm_*``: a replay of its table, or the live task.

    Args:
        data: family of data sets: ``mnist``, ``covertype``, ``letter`` or ``vehicle``.
        dataset: data set of the family, e.g. ``sample`` or ``openml180`` for Covertype.
        source: ``recorded`` or ``live``.
        table: name of the shipped table, which replays the family's default data set, or a path
            ending in ``.npz``.
        options: options of ``SVM``. A replay raises an error if one of those that change the
            training differs from its table.

    Raises:
        ValueError: unknown source, data set or option, or an option differs from the recording.
        tasks.replay.table.TableError: the table is missing or damaged.
    """
    check_choice("task.data", data, DATASETS)
    check_choice("task.dataset", dataset, DATASETS[data])
    name = data if dataset == data else f"{data}_{dataset}"
    check_choice("task.source", source, SOURCES)
    if source == "live":
        return SVM(name, **options)
    from tasks.replay.evaluations import RecordedTask

    if table is None or (dataset != DATASETS[data][0] and not table.endswith(".npz")):
        raise ValueError(
            f"task.dataset={dataset} is not recorded: set task.source=live,"
            " or task.table=FILE.npz to a recording of yours"
        )
    asked = {key: options.get(key) for key in ("backend", "scale", "train_rows", "test")}
    task = RecordedTask(table, asked, options.get("baseline_default"))
    recorded = str(task.identity["data"]).partition(" ")[0]
    if recorded != name:
        raise ValueError(f"task.table={table} is a recording of {recorded}, not of {name}")
    return task
