"""How fast replaying is: ``python tests/measurements/replay.py [table]``; gates nothing."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.budget import Budget
from benchmarks.runner import loop
from benchmarks.runner.resumption import resume
from benchmarks.runner.trace import Trace
from methods.random_search import RandomSearch
from tasks.replay.evaluations import RecordedTask


def main(table: str) -> None:
    """Time loading, ``evaluate``, ``truth``, and a run of 10,000 trials with its trace."""
    started = time.process_time()
    task = RecordedTask(table)
    print(f"load                     {1e3 * (time.process_time() - started):10.1f} ms")
    rng = np.random.default_rng(0)
    configs = [task.space.sample(rng) for _ in range(20000)]
    shares = rng.uniform(task.fidelities.low, 1, len(configs))
    started = time.process_time()
    for config, share in zip(configs, shares, strict=True):
        task.evaluate(config, float(share), rng)
    print(f"evaluate                 {len(configs) / (time.process_time() - started):10.0f} /s")
    started = time.process_time()
    for config in configs:
        task.truth(config)
    print(f"truth                    {len(configs) / (time.process_time() - started):10.0f} /s")
    with tempfile.TemporaryDirectory() as folder:
        started = time.process_time()
        trace = Trace(Path(folder) / "trace.jsonl")
        with trace.open(sync=False) as writer:
            method = RandomSearch(task.space, task.fidelities)
            state = resume(trace, task)
            loop.run(method, task, Budget(trials=10_000), 0, writer, state)
        print(f"10,000 trials of random  {time.process_time() - started:10.2f} s")


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["svm_mnist"]))
