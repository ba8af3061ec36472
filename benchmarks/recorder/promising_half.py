"""Select the promising half of a Sobol sequence for a design.

`python -m benchmarks.recorder.promising_half task=cars_head` does so for one task.

The design's first Sobol stage is the pilot: extremely randomised trees are fitted to its recorded
curves. From a second sequence, twice as long as needed, the half with the lower predicted losses
at the target is selected. The output is copied into the design as ``keep``, so that the design
depends neither on a fit nor on later recordings.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.compose import compose
from benchmarks.core.space import Space
from benchmarks.recorder import cost_normalisation as costs
from benchmarks.recorder import raw_rows
from benchmarks.recorder.design import expand, sobol
from benchmarks.recorder.table_of_curves import curves_in
from benchmarks.settings import parse_record
from tasks.replay import fit_curves as curve_fit
from tasks.replay.curve_surrogate import CurveSurrogate


def promising_half(
    recorded: Sequence[raw_rows.Row], design: Mapping[str, Any], space: Space, seed: int, count: int
) -> list[int]:
    """Select ``count`` of the first ``2 * count`` configs of a Sobol sequence.

    Args:
        recorded: rows with curves, or of trainings at several fidelities; only those of the pilot
            are used.
        design: ``stages``, of which the first with ``sobol`` is the pilot, and ``derived``.
        space: search space.
        seed: seed of the sequence.
        count: number of configs to select.

    Returns:
        Indices into the sequence, in rising order.

    Raises:
        ValueError: the design has no pilot, or not all of it is recorded.
    """
    stages = [stage for stage in design["stages"] if "sobol" in stage]
    if not stages:
        raise ValueError("the design has no sobol stage, which is needed as the pilot")
    best = {row.key: (row, cost, late) for row, cost, late in costs.best_rows(recorded)}
    keys = [evaluation.key for evaluation in expand(stages[:1], space)]
    if missing := sum(key not in best for key in keys):
        raise ValueError(f"{missing} of the pilot's {len(keys)} trainings are not recorded")
    session = recorded[0].session
    pilot = [best[key] for key in keys]
    found = curves_in(pilot, space)
    derived = design.get("derived") or {}
    arrays, facts = curve_fit.fit(
        space, found.columns, derived, session["loss_floor"], separate=found.shares is not None
    )
    surrogate = CurveSurrogate(space, facts, arrays, "extra_trees")
    inputs = [surrogate.inputs(config) for config in sobol(space, 2 * count, seed)]
    losses = surrogate.predict(np.array(inputs)).loss[:, -1]
    return sorted(np.argsort(losses, kind="stable")[:count].tolist())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.recorder.promising_half", description=__doc__
    )
    parser.add_argument("overrides", nargs="*", help="task=NAME, rows=FILE")
    parser.add_argument("--seed", type=int, default=2, help="seed of the sequence")
    parser.add_argument("--count", type=int, default=200, help="number of configs to select")
    options = parser.parse_intermixed_args(arguments)
    try:
        settings = parse_record(compose("record", options.overrides))
        path = raw_rows.path_of(settings)
        recorded = raw_rows.read(path)
        if not recorded:
            raise ValueError(f"{path} holds no evaluation")
        space = Space.from_spec(recorded[-1].session["space"])
        keep = promising_half(recorded, settings.design, space, options.seed, options.count)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(textwrap.fill(f"keep: {keep}", 100, subsequent_indent="  "))
    return 0


if __name__ == "__main__":
    sys.exit(main())
