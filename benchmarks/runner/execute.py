"""One run, from its settings to a finished folder."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from benchmarks import provenance
from benchmarks.budget import LIMITS, Budget, Unit
from benchmarks.components import build_method, options_at_default
from benchmarks.core.protocols import Method, Task
from benchmarks.core.records import Part, RunMeta, TrialRow, checked
from benchmarks.engines.isolated_task import EvaluationSettings, build_evaluated
from benchmarks.engines.select import build_engine, engine_of
from benchmarks.lock import LockedError
from benchmarks.runner import loop
from benchmarks.runner.progress import Reporter, closing_table, limits_text, reasons
from benchmarks.runner.resumption import State, resume
from benchmarks.runner.run_folder import KeyMismatchError, RunFolder, key_of
from benchmarks.runner.trace import DamagedError, trial_of
from benchmarks.settings import ConfigError, RunSettings


def run(settings: RunSettings, path: Path) -> str:
    """Start or resume a run.

    Args:
        settings: settings of the run.
        path: folder of the run.

    Returns:
        ``finished``, or ``failed`` (the reason was printed; a traceback is in ``error.txt``).

    Raises:
        ConfigError: a setting is invalid; or the folder is in use, damaged, or holds another run.
    """
    task = build_evaluated(EvaluationSettings.of(settings))
    try:
        try:
            settings.budget.check_nominal(task.fidelities)
            engine_of(settings.workers, task)
        except ValueError as error:
            raise ConfigError(str(error)) from error
        method = build_method(settings.method, settings.allow, task.space, task.fidelities)
        # Several threads slow down small matrices and change last bits between machines. The limit
        # applies to loaded libraries only, so it is set after the method has loaded its own.
        with RunFolder(path) as folder, threadpool_limits(settings.threads):
            return _run_in(folder, settings, method, task)
    except (LockedError, KeyMismatchError) as error:
        raise ConfigError(str(error)) from error
    except DamagedError as error:
        raise ConfigError(f"{error}; delete the run and start over with resume=false") from error
    except OSError as error:  # disk errors before or after the trials
        print(f"failed: {type(error).__name__}: {error}", file=sys.stderr)
        return "failed"
    finally:
        task.close()


def _run_in(folder: RunFolder, settings: RunSettings, method: Method, task: Task) -> str:
    key = key_of(settings, method, task)
    at_default = [
        f"{group}.{name}"
        for group, component in (("method", settings.method), ("task", settings.task))
        for name in options_at_default(component, settings.allow)
    ]
    # in the key of methods that use the budget
    limits = [f"budget.{limit}" for limit in LIMITS]
    at_default += [name for name in limits if name in key and key[name] is None]
    if not settings.resume:
        folder.clear()
    folder.check_key(key, at_default)
    held, budget = folder.meta(), settings.budget
    title = f"{settings.method.name} on {settings.task.name}, seed {settings.seed}"
    raised = held is not None and _budgets(held)[-1] != settings.plain["budget"]
    if held is not None and (raised or held.get("status") == "finished"):
        rows = folder.trace.load()
        within = _within(rows, budget, task)
        if within is not None:
            _answer(title, folder, held, rows, within, settings.plot)
            return "finished"
    virtual = engine_of(settings.workers, task) == "virtual"
    simulated = settings.workers.n > 1 and virtual
    meta = metadata_of(settings, key, at_default, method, task, held)
    folder.write_meta(meta)  # before files are shortened, so that the run is not taken for finished
    state = resume(folder.trace, task, raised and simulated, simulated)
    meta["parts"][-1]["trials"] = len(state.history)
    folder.write_meta(meta)
    folder.write_config(settings)
    (folder.path / "error.txt").unlink(missing_ok=True)
    _say_how_it_goes_on(title, state, meta, raised and settings.workers.n > 1 and not simulated)
    done = len(state.history) - len(state.running)
    unit = budget.unit(task.target_cost, state.history, task.good_cost)
    until = limits_text(settings.plain["budget"], unit)
    try:
        with (
            folder.trace.open(sync=not task.reproducible) as writer,
            Reporter(title, budget.trials, task.best_loss, done, until) as reporter,
            closing(build_engine(settings, task, state.now, state.known)) as engine,
        ):
            stopped_by = loop.run(
                method, task, budget, settings.seed, writer, state, reporter.show, engine
            )
    except ConfigError as error:  # no Dask scheduler answers
        folder.write_meta({**meta, "status": "failed", "error": str(error)})
        raise
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # of the method or the disk; the sweep continues
        problem = " ".join(f"{type(error).__name__}: {error}".split())
        kept = folder.path / "error.txt"
        print(f"failed: {problem} ({_keep_error(folder, meta, problem) or kept})", file=sys.stderr)
        return "failed"
    unit = budget.unit(task.target_cost, state.history, task.good_cost)
    return _finish(folder, settings, meta, state, stopped_by, unit)


def _finish(
    folder: RunFolder,
    settings: RunSettings,
    meta: RunMeta,
    state: State,
    stopped_by: str,
    unit: Unit | None,
) -> str:
    """Write how the run has ended, show it, and return its status."""
    rows = folder.trace.load()
    meta["stopped_by"] = stopped_by
    meta["finished"] = datetime.now(UTC).isoformat(timespec="seconds")
    meta["load"] = os.getloadavg()[0]
    meta["threads"] = meta["parts"][-1]["threads"] = provenance.threads()
    if unit is not None:
        meta["unit"], meta["unit_from"] = unit.seconds, unit.known_from
    failures = reasons(rows)
    if not any(trial.status == "ok" for trial in state.history):
        first = next(iter(failures), "no reason was given")
        meta["status"], meta["error"] = "failed", f"none of {len(rows)} trials was ok: {first}"
        folder.write_meta(meta)
        print(f"failed: {meta['error']}", file=sys.stderr)
        return "failed"
    meta["status"] = "finished"
    folder.write_meta(meta)
    folder.trace.forget_ended()
    _show(folder, meta, rows, settings.plot)
    return "finished"


def _within(rows: Sequence[TrialRow], budget: Budget, task: Task) -> list[TrialRow] | None:
    """Return the trials that a budget would have started; None if it is larger than what was spent.

    Args:
        rows: trace of the run, in the order of the ends of the trials.
        budget: the budget asked for.
        task: task of the run.
    """
    cost, nominal = 0.0, 0.0
    for index, row in enumerate(rows):
        cost += row["cost"]
        nominal += task.fidelities.nominal_cost(row["fidelity"]) or 0.0
        unit = budget.unit(task.target_cost, map(trial_of, rows[: index + 1]), task.good_cost)
        reason = budget.spent(index + 1, cost, unit, nominal)
        if reason == "trials":
            return [row for row in rows if row["trial"] < (budget.trials or 0)]
        if reason is not None:
            end = row.get("end", float("inf"))
            return [r for i, r in enumerate(rows) if i <= index or r.get("start", end) < end]
    return None


def _answer(
    title: str,
    folder: RunFolder,
    held: RunMeta,
    rows: Sequence[TrialRow],
    within: Sequence[TrialRow],
    plot: bool,
) -> None:
    """Show the result of a run that has spent its budget before; write nothing."""
    if len(within) == len(rows):
        print(f"{title}: finished before, nothing to do (resume=false runs it again)")
        _show(folder, held, rows, plot)
    else:
        print(f"{title}: the first {len(within)} of {len(rows)} trials, nothing to do")
        closing_table(within, held, folder.path, None)


def _say_how_it_goes_on(title: str, state: State, meta: RunMeta, real_workers: bool) -> None:
    if not len(state.history):
        return
    again = len(state.running) + len(state.lost)
    text = f", {again} of them evaluated again" if again else ""
    print(f"{title}: resuming after {len(state.history)} trials{text}")
    if real_workers:
        print(
            "  the budget was raised: with the larger one from the start, the latest trials could "
            "have been others, because several ran at once"
        )
    *earlier, now = meta["parts"]
    if earlier:
        for line in provenance.differences(earlier[-1], now):
            print(f"  note: {line}")


def _keep_error(folder: RunFolder, meta: RunMeta, problem: str) -> str | None:
    """Save the exception being handled; return None, or why it could not be saved."""
    try:
        (folder.path / "error.txt").write_text(traceback.format_exc())
        folder.write_meta({**meta, "status": "failed", "error": problem})
    except OSError as error:  # disk full; the trace is complete, so the run can be resumed
        return f"and error.txt could not be written: {error.strerror}"
    return None


def _budgets(held: RunMeta) -> list[dict[str, Any]]:
    """Return the budgets that a run was asked for, the latest last."""
    return held.get("budgets") or [held["settings"].get("budget", {})]


def metadata_of(
    settings: RunSettings,
    key: Mapping[str, Any],
    at_default: Sequence[str],
    method: Method,
    task: Task,
    held: RunMeta | None,
) -> RunMeta:
    """Return the metadata of a run that begins or goes on.

    Args:
        settings: its settings.
        key: see ``benchmarks.runner.run_folder.key_of``.
        at_default: names in ``key`` whose value is the default.
        method: its method.
        task: its task.
        held: the metadata that its folder holds; None for a new run.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    part: dict[str, Any] = {
        "trials": 0,
        "started": now,
        **provenance.commit(),
        "versions": provenance.versions(),
        "machine": provenance.machine(),
        "threads": provenance.threads(),
    }
    earlier: list[Part] = held.get("parts", []) if held is not None else []
    budgets = _budgets(held) if held is not None else []
    asked = settings.plain["budget"]
    first: Mapping[str, Any] = earlier[0] if earlier else part
    facts = {
        "method": settings.method.name,
        "task": settings.task.name,
        "seed": settings.seed,
        "key": dict(key),
        "method_facts": {"reproducible": method.reproducible},
        "task_facts": {
            "best_loss": _to_minimise(task.best_loss, task),
            "target_cost": task.target_cost,
            "good_cost": task.good_cost,
            "baselines": dict(task.baselines),
            "loss_floor": 0.0 if task.maximise else task.loss_floor,
            "resolution": task.resolution,
            "caption": task.caption,
            "fidelity_low": task.fidelities.low,
            "fidelity_values": task.fidelities.values,
            "fidelity_full": task.fidelities.full,
            "fidelity_unit": task.fidelities.unit,
            "resumable": task.fidelities.resumable,
            "reproducible": task.reproducible,
            "hyperparameters": list(task.space.names),
        },
        **{name: first[name] for name in ("commit", "versions", "machine", "threads", "started")},
        "dirty": any(p["dirty"] for p in [*earlier, part]),
        "parts": [*earlier, part],
        "budgets": [*budgets, *([asked] if asked not in budgets[-1:] else [])],
        "settings": settings.plain,
        "at_default": at_default,
        "status": "running",
    }
    return checked(facts, RunMeta)


def _to_minimise(value: float | None, task: Task) -> float | None:
    return -value if task.maximise and value is not None else value


def _show(folder: RunFolder, meta: RunMeta, rows: Sequence[TrialRow], plot: bool) -> None:
    """Draw the picture of the run, if asked for, and print its result."""
    picture = None
    if plot:
        try:
            from analysis.figures.run_plot import plot_run  # imports matplotlib, which is slow

            picture = plot_run(folder.path)
        except Exception as error:  # a missing picture does not make a run fail
            problem = " ".join(f"{type(error).__name__}: {error}".split())
            print(f"warning: regret.png was not drawn: {problem}", file=sys.stderr)
    closing_table(rows, meta, folder.path, picture)
