"""Record evaluations of a live task, for replay: ``python -m benchmarks.record``.

``python -m benchmarks.record task=svm_mnist`` evaluates the design ``conf/design/svm_mnist.yaml``
and skips recorded evaluations, so it can be killed and restarted at any time. ``--pause`` and
``--resume`` stop and continue a running recorder immediately; ``--status`` shows how much is left;
``--compact`` writes the table that is replayed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.components import build_task
from benchmarks.compose import compose
from benchmarks.core.protocols import Task
from benchmarks.core.space import Space
from benchmarks.lock import FolderLock
from benchmarks.recorder import raw_rows
from benchmarks.recorder.card_of_evaluations import write_card
from benchmarks.recorder.design import expand
from benchmarks.recorder.eta import remaining_seconds
from benchmarks.recorder.recorder import Recorder
from benchmarks.recorder.table_of_evaluations import compact
from benchmarks.settings import Component, RecordSettings, parse_record


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.record", description=__doc__)
    parser.add_argument(
        "overrides", nargs="*", help="task=NAME, task.KEY=VALUE, workers=N, rows=FILE"
    )
    for flag in ("pause", "resume", "status", "compact"):
        parser.add_argument(f"--{flag}", action="store_true")
    options = parser.parse_intermixed_args(arguments)
    try:
        return _command(options, parse_record(compose("record", options.overrides)))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _command(options: argparse.Namespace, settings: RecordSettings) -> int:
    name = settings.task.name
    path = raw_rows.path_of(settings)
    pause_file = path.with_suffix(".pause")
    if options.pause:
        pause_file.parent.mkdir(parents=True, exist_ok=True)
        pause_file.touch()
    elif options.resume:
        pause_file.unlink(missing_ok=True)
    elif options.compact:
        target = Path(settings.table or raw_rows.TABLES / f"{name}.npz")
        space = _space(path, settings)
        if any("curve" in row.record for row in raw_rows.read(path)):
            from benchmarks.recorder.card_of_curves import write_curve_card
            from benchmarks.recorder.table_of_curves import (
                compact_curves,  # scikit-learn is slow to import
            )

            design = settings.design
            derived, caption = design.get("derived") or {}, design.get("caption")
            table = compact_curves(path, target, space, derived, caption)
            card = write_curve_card(table, settings.task.options.get("baseline"))
        else:
            table = compact(path, target, space)
            card = write_card(table)
        print(f"wrote {table} and {card}")
    else:

        def build() -> Task:
            return build_task(_live(settings.task), settings.allow)

        probe = build()
        evaluations = expand(settings.design["stages"], probe.space)
        probe.close()
        recorder = Recorder(build, evaluations, path)
        if options.status:
            left = recorder.missing()
            hours = remaining_seconds(raw_rows.read(path), evaluations) / 3600
            print(
                f"{name}: {len(left)} of {len(evaluations)} left, about {hours:.1f} h on one core"
            )
            return 0
        path.parent.mkdir(parents=True, exist_ok=True)
        with FolderLock(path.with_suffix(".lock")):
            made = recorder.run(settings.workers)
        print(f"{name}: {made} evaluations recorded, nothing left")
    return 0


def _live(task: Component) -> Component:
    """Return the settings of the live task; a task without ``source`` is always live."""
    if "source" not in task.options:
        return task
    return Component(task.target, task.name, {**task.options, "source": "live"})


def _space(path: Path, settings: RecordSettings) -> Space:
    """Return the search space of the latest session or, if it has none, of the task."""
    recorded = raw_rows.read(path)
    if recorded and "space" in recorded[-1].session:
        return Space.from_spec(recorded[-1].session["space"])
    task = build_task(_live(settings.task), settings.allow)
    task.close()
    return task.space


if __name__ == "__main__":
    sys.exit(main())
