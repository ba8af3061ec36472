"""Worker of ``methods.references.sigopt``: SigOpt's optimiser, answering lines of JSON.

Runs in the Python of an environment with sigoptlite, and imports nothing of this suite. Its two
arguments are the file descriptors of requests and replies. First it writes
``{"ready": {package: version}}``. Then it answers each line
``{"parameters", "tasks", "observations", "running", "hyperparameters", "seed"}`` by one line
``{"assignments", "task", "hyperparameters", "cpu"}`` or ``{"error", "cpu"}``.

Every request is served by a fork of this process in its state after the imports, so that earlier
requests cannot affect it: of about 250 suggestions repeated within one process, one differed (this
did not recur, and its cause is unknown); of about 120 repeated in forks, none did.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from importlib.metadata import version
from typing import Any

import numpy as np
from libsigopt.aux.adapter_info_containers import (  # type: ignore[import-not-found]
    PointsContainer,
)
from libsigopt.views.rest.spe_next_points import (  # type: ignore[import-not-found]
    SPE_PHANTOM_BUDGET_FACTOR,
)
from sigoptlite import sources  # type: ignore[import-not-found]
from sigoptlite.broker import Broker  # type: ignore[import-not-found]
from sigoptlite.builders import LocalExperimentBuilder  # type: ignore[import-not-found]

METRIC = "loss"
PACKAGES = ("sigoptlite", "libsigopt", "numpy", "scipy")


def suggest(request: dict[str, Any]) -> dict[str, Any]:
    """Replay the history of ``request`` and return SigOpt's next suggestion."""
    np.random.seed(request["seed"])  # the only randomness in both packages
    experiment = LocalExperimentBuilder(
        {
            "parameters": request["parameters"],
            "metrics": [{"name": METRIC, "objective": "minimize"}],
            "tasks": request["tasks"],
            # Required with tasks, but read only by the Parzen estimator (over 600 observations or
            # 50 dimensions); this is the estimator's own default.
            "observation_budget": SPE_PHANTOM_BUDGET_FACTOR * len(request["parameters"]),
        }
    )
    broker = Broker(experiment)
    for trial in request["observations"]:
        failed = trial["loss"] is None
        broker.create_observation(
            trial["assignments"],
            None if failed else [{"name": METRIC, "value": trial["loss"]}],
            failed=failed,
            task=trial["task"],
        )
    broker.hyperparameters = request["hyperparameters"]
    # sigoptlite never has open suggestions, but the libsigopt views it calls accept them
    sources.EMPTY_POINTS_CONTAINER = _open_points(experiment, request["running"])
    suggestion = broker.create_suggestion()
    return {
        "assignments": dict(suggestion.assignments),
        "task": None if suggestion.task is None else suggestion.task.name,
        "hyperparameters": broker.hyperparameters,
    }


def _open_points(experiment: Any, running: list[dict[str, Any]]) -> Any:
    point = sources.BaseOptimizationSource.get_point_from_assignments
    points = [point(experiment, trial["assignments"]) for trial in running]
    costs = [trial["task"]["cost"] for trial in running if trial["task"] is not None]
    return PointsContainer(points=np.array(points), task_costs=np.array(costs) if costs else None)


def _answer(line: str) -> dict[str, Any]:
    try:
        answer = suggest(json.loads(line))
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    return {**answer, "cpu": time.process_time()}


def main() -> None:
    """Answer requests until there are no more."""
    pipe = int(sys.argv[1])
    replies = os.fdopen(int(sys.argv[2]), "w")
    print(json.dumps({"ready": {name: version(name) for name in PACKAGES}}), file=replies)
    replies.flush()
    while True:
        select.select([pipe], [], [])
        child = os.fork()
        if not child:
            line = os.fdopen(pipe).readline()
            if line:
                print(json.dumps(_answer(line)), file=replies)
                replies.flush()
            os._exit(0 if line else 1)
        if os.waitpid(child, 0)[1]:
            return  # the end of the input, or a crash


if __name__ == "__main__":
    main()
