"""Write what a card says of a table, and what code may ask a task: ``meta["facts"]``.

It follows from the table and from recordings, and changes no evaluation; so it can be written anew
without another run's key (see ``tasks.replay.table.amend``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.core.space import Config
from benchmarks.recorder import raw_rows, timed_alone, untuned
from benchmarks.recorder.random_configs import DRAWS, draw_curves, draw_evaluations
from tasks.replay import table as tables
from tasks.replay.curve_surrogate import CurveSurrogate, families_of
from tasks.replay.curves import CURVES, RecordedCurves
from tasks.replay.evaluations import RecordedTask


def write_facts(
    path: Path,
    rows: Path,
    baselines: Mapping[str, Config],
    sources: Mapping[str, str],
    draws: int = DRAWS,
) -> dict[str, Any]:
    """Compute ``facts`` and write them into the table.

    They are ``good_cost`` and ``baselines``, for each surrogate in a table of curves, and
    ``alone`` if some trainings were timed alone.

    Args:
        path: the table.
        rows: file of the raw rows that it was written from.
        baselines: untuned configs by name.
        sources: where each of them is from.
        draws: number of random configs to compare them with.
    """
    recorded = raw_rows.read(rows)
    facts: dict[str, Any] = {"good_cost": {}, "baselines": {}, "draws": draws}
    if tables.kind_of(path) == CURVES.name:
        loaded = tables.read(path, CURVES)
        for family in families_of(loaded.columns):
            surrogate = CurveSurrogate(loaded.space, loaded.meta, loaded.columns, family)
            seen = draw_curves(surrogate, loaded.space, draws)
            replay = RecordedCurves(str(path), family)
            facts["good_cost"][family] = seen.cost_good()
            facts["baselines"][family] = untuned.facts_of(
                baselines, sources, recorded, replay, seen
            )
    else:
        task = RecordedTask(str(path))
        seen = draw_evaluations(task, draws)
        facts["good_cost"] = seen.cost_good()
        facts["baselines"] = untuned.facts_of(baselines, sources, recorded, task, seen)
    check = timed_alone.compare(recorded, raw_rows.read(timed_alone.path_of(rows)))
    if check is not None:
        facts["alone"] = check
    tables.amend(path, facts)
    return facts
