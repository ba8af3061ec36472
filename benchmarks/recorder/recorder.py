"""Evaluate a design and append a row for each evaluation."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks import provenance
from benchmarks.core import records
from benchmarks.core.protocols import Task
from benchmarks.core.records import RecordedRow, Session
from benchmarks.recorder import cost_normalisation as costs
from benchmarks.recorder import raw_rows
from benchmarks.recorder.cpu_speed import Speed, load_and_steal, reference_seconds
from benchmarks.recorder.design import Evaluation
from benchmarks.recorder.eta import remaining_seconds

ESTIMATE_FOR = 60.0
"""seconds after which the estimate of the remaining time is updated"""


class Recorder:
    """Evaluate a design with several workers, each with its own live task, and append rows."""

    def __init__(self, build: Callable[[], Task], design: Sequence[Evaluation], path: Path) -> None:
        """Set up a recorder.

        Args:
            build: returns a new live task; called once per worker.
            design: evaluations to record.
            path: file of rows; while the same path with the suffix ``.pause`` exists, the recorder
                pauses.
        """
        self._build, self._design, self._path = build, design, path
        self._pause_file = path.with_suffix(".pause")
        self._writing = threading.Lock()
        self._errors: list[BaseException] = []
        self._recorded: list[raw_rows.Row] = []
        self._marked: set[raw_rows.Key] = set()
        self._idle = np.inf
        self._hours, self._estimate_until = 0.0, -np.inf

    def missing(self) -> list[Evaluation]:
        """Return the missing evaluations: unrecorded ones, then those to time again.

        If any is unrecorded, the calibrations of this CPU come first (see
        ``cost_normalisation.calibrations``).
        """
        new, again = self._left(raw_rows.read(self._path))
        return new + again

    def _left(self, recorded: Sequence[raw_rows.Row]) -> tuple[list[Evaluation], list[Evaluation]]:
        """Return the evaluations to record, and those to time again if the core is idle."""
        done = {row.key for row in recorded}
        marked = {
            row.key
            for row, _, late in costs.best_rows(recorded)
            if late and row.record["cost"] <= costs.TIMED_AGAIN
        }
        new = [e for e in self._design if e.key not in done]
        if new:
            by_key = {e.key: e for e in self._design}
            due = costs.calibrations(recorded, provenance.machine()["cpu"], by_key)
            marked -= set(due)
            new = [by_key[key] for key in due] + new
        return new, [e for e in self._design if e.key in marked]

    def run(self, workers: int = 1) -> int:
        """Record all missing evaluations once.

        Evaluations timed on a busy core are timed again only if the core is idle now.

        Args:
            workers: number of evaluations at the same time, one thread each.

        Returns:
            The number of evaluations processed.

        Raises:
            BaseException: the first error of a worker.
        """
        self._recorded = raw_rows.read(self._path)
        new, again = self._left(self._recorded)
        todo = new + again
        if not todo:
            return 0
        self._marked = {e.key for e in again}
        idle = costs.idle_references(self._recorded)
        self._idle = idle.get(provenance.machine()["cpu"], np.inf)
        waiting: queue.SimpleQueue[Evaluation] = queue.SimpleQueue()
        for evaluation in todo:
            waiting.put(evaluation)
        threads = [
            threading.Thread(target=self._work, args=(waiting, len(todo)), daemon=True)
            for _ in range(workers)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._errors:
            raise self._errors[0]
        return len(todo) - waiting.qsize()

    def paused(self) -> bool:
        """Return True while the pause file exists."""
        return self._pause_file.exists()

    def _work(self, waiting: queue.SimpleQueue[Evaluation], total: int) -> None:
        try:
            task = self._build()
            try:
                session = self._open_session(task)
                speed = Speed(lambda: task.reference_seconds() or reference_seconds())
                while not self._errors:
                    try:
                        evaluation = waiting.get_nowait()
                    except queue.Empty:
                        return
                    while self.paused():
                        time.sleep(0.5)
                    busy = speed.seconds() > costs.LOADED * self._idle
                    if evaluation.key in self._marked and busy:
                        continue  # the core is busy again: a new timing would be no better
                    self._record(task, evaluation, speed, session)
                    self._report(total - waiting.qsize(), total, evaluation)
            finally:
                task.close()
        except BaseException as error:  # ``run`` raises it in the main thread
            self._errors.append(error)

    def _open_session(self, task: Task) -> Session:
        facts = {
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "identity": dict(task.identity),
            "task_version": task.version,
            "fidelity_unit": task.fidelities.unit,
            "fidelity_full": task.fidelities.full,
            "fidelity_low": task.fidelities.low,
            "fidelity_values": task.fidelities.values,
            "loss_floor": task.loss_floor,
            "caption": task.caption,
            "sizes": dict(task.sizes),
            "space": task.space.spec(),
            **provenance.commit(),
            "versions": provenance.versions(),
            "machine": provenance.machine(),
        }
        session = records.checked(facts, Session)
        recorded = self._recorded
        if recorded and recorded[-1].session["identity"] != session["identity"]:
            raise ValueError(
                f"{self._path} holds another task: {recorded[-1].session['identity']}, "
                f"not {session['identity']}"
            )
        with self._writing:
            raw_rows.append(self._path, {"session": session})
        return session

    def _record(self, task: Task, evaluation: Evaluation, speed: Speed, session: Session) -> None:
        load, steal = load_and_steal()
        before = speed.seconds()
        observation = task.evaluate_replicate(
            evaluation.config, evaluation.fidelity, evaluation.subset_seed, self.paused
        )
        after = speed.seconds()
        _, steal_after = load_and_steal()
        fields = {
            "config": dict(evaluation.config),
            "fidelity": evaluation.fidelity,
            "subset_seed": evaluation.subset_seed,
            "held_out": evaluation.held_out,
            "status": observation.status,
            "loss": observation.loss if observation.status == "ok" else None,
            "test_loss": observation.test_loss,
            "cost": round(observation.cost, 6),
            "wall": round(observation.info.get("wall", observation.cost), 6),
            "reference_before": round(before, 4),
            "reference_after": round(after, 4),
            "load": load,
            "steal": None if steal is None else round((steal_after or 0) - steal, 2),
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        optional = ("error", "curve", "references")
        fields |= {k: observation.info[k] for k in optional if k in observation.info}
        row = records.checked(fields, RecordedRow)
        with self._writing:
            raw_rows.append(self._path, row)
            self._recorded.append(raw_rows.Row(row, session))

    def _report(self, done: int, total: int, evaluation: Evaluation) -> None:
        if time.monotonic() > self._estimate_until:  # slow, as it reads all rows
            left = remaining_seconds(list(self._recorded), self._design)
            self._hours, self._estimate_until = left / 3600, time.monotonic() + ESTIMATE_FOR
        print(
            f"{datetime.now():%H:%M:%S} {done}/{total} "
            f"s={evaluation.fidelity:.5g} r={evaluation.subset_seed} {dict(evaluation.config)} "
            f"about {self._hours:.1f} h left",
            flush=True,
        )
