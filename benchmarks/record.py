"""Record evaluations of a live task, for replay: ``python -m benchmarks.record task=svm_mnist``.

It evaluates the design ``conf/design/svm_mnist.yaml`` and skips recorded evaluations, so it can be
killed and restarted at any time. ``--help`` says what the flags do.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.components import build_task
from benchmarks.compose import compose
from benchmarks.core.protocols import Task
from benchmarks.core.space import Space, nearest
from benchmarks.help_text import record_help
from benchmarks.lock import FolderLock
from benchmarks.recorder import raw_rows, timed_alone
from benchmarks.recorder.card_of_evaluations import write_card
from benchmarks.recorder.design import expand
from benchmarks.recorder.eta import remaining_seconds
from benchmarks.recorder.recorder import Recorder
from benchmarks.recorder.study_configs import configs_in_studies
from benchmarks.recorder.table_facts import write_facts
from benchmarks.recorder.table_of_evaluations import compact
from benchmarks.recorder.untuned import untuned_of
from benchmarks.settings import Component, ConfigError, RecordSettings, parse_record
from tasks.replay.interpolation import MOST_DIMENSIONS
from tasks.replay.table import EVALUATIONS, kind_of

FLAGS = ("status", "pause", "resume", "compact", "card")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if {"-h", "--help"} & set(words):
        print(record_help(), end="")
        return 0
    try:
        flags = _flags(words)
        overrides = [word for word in words if not word.startswith("-")]
        return _command(flags, parse_record(compose("record", overrides)))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _flags(words: Sequence[str]) -> set[str]:
    flags = {word.removeprefix("--") for word in words if word.startswith("-")}
    for flag in sorted(flags - set(FLAGS)):
        allowed = ", ".join(f"--{name}" for name in (*FLAGS, "help"))
        given = next(word for word in words if word.removeprefix("--") == flag)
        raise ConfigError(f"unknown flag {given}{nearest(flag, FLAGS)} (allowed: {allowed})")
    return flags


def _command(flags: set[str], settings: RecordSettings) -> int:
    name = settings.task.name
    path = raw_rows.path_of(settings)
    pause_file = path.with_suffix(".pause")
    if "pause" in flags:
        pause_file.parent.mkdir(parents=True, exist_ok=True)
        pause_file.touch()
    elif "resume" in flags:
        pause_file.unlink(missing_ok=True)
    elif flags & {"compact", "card"}:
        target = Path(settings.table or raw_rows.TABLES / f"{name}.npz")
        card = _write(settings, path, target, compacted="compact" in flags)
        print(f"wrote {target} and {card}")
    else:

        def build() -> Task:
            return build_task(_live(settings.task), settings.allow)

        if settings.alone is not None and "status" not in flags:
            return _time_alone(settings, path, build)
        probe = build()
        evaluations = expand(settings.design["stages"], probe.space)
        probe.close()
        recorder = Recorder(build, evaluations, path)
        if "status" in flags:
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


def _write(settings: RecordSettings, path: Path, target: Path, compacted: bool) -> Path:
    """Write the table, what is said of it, and its card; return the path of the card.

    Args:
        settings: settings of the recorder.
        path: file of raw rows.
        target: the table.
        compacted: False keeps the columns of the table as they are.
    """
    design, name = settings.design, settings.task.name
    if compacted:
        space, recorded = _space(path, settings), raw_rows.read(path)
        curves = any("curve" in row.record for row in recorded)
        # more than a triangulation can interpolate: what several trainings make is a curve
        if curves or space.width > MOST_DIMENSIONS:
            from benchmarks.recorder.table_of_curves import (
                compact_curves,  # scikit-learn is slow to import
            )

            derived, caption = design.get("derived") or {}, design.get("caption")
            seen = configs_in_studies(name, space)
            compact_curves(path, target, space, derived, caption, seen)
        else:
            compact(path, target, space)
    sources = design.get("baselines") or {}
    write_facts(target, path, untuned_of(settings.task.options), sources)
    if kind_of(target) == EVALUATIONS.name:
        return write_card(target)
    from benchmarks.recorder.card_of_curves import write_curve_card

    return write_curve_card(target)


def _time_alone(settings: RecordSettings, path: Path, build: Callable[[], Task]) -> int:
    """Train recorded configs again and print how far their costs are off; return the exit code."""
    assert settings.alone is not None
    recorded = raw_rows.read(path)
    evaluations = timed_alone.to_time_alone(recorded, settings.alone)
    probe = build()
    identity = dict(probe.identity)
    probe.close()
    if identity != recorded[-1].session["identity"]:
        held = recorded[-1].session["identity"]
        raise ValueError(f"{path} holds another task: {held}, not {identity}")
    target = timed_alone.path_of(path)
    with FolderLock(target.with_suffix(".lock")):
        Recorder(build, evaluations, target).run()
    check = timed_alone.compare(recorded, raw_rows.read(target))
    if check is None:
        raise ValueError(f"none of the trainings in {target} ended well")
    print(timed_alone.line(check).removeprefix("- "))
    print("--card writes it into the card")
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
