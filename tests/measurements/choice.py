"""What a cheaper acquisition costs: ``python tests/measurements/choice.py [histories [settings]]``.

On frozen histories (Fabolas on the four synthetic tasks, stopped after 12 to 60 trials), every
setting chooses a candidate. Its information gain per second is judged by a reference of 64
hyperparameter samples, 100 representers and 2,048 draws, relative to that of the candidate which
another such reference chose (as does a third, with other random numbers: what can be hoped for).
Quartiles over the histories and four random streams, for a median over single ones moves by 0.03;
and median CPU seconds a choice. Gates nothing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import scipy.linalg  # noqa: F401  its BLAS must be loaded before threads are limited
from threadpoolctl import threadpool_limits

from benchmarks.core.trial import History, Trial
from benchmarks.engines.base import stream
from methods.fabolas import Fabolas
from tasks.synthetic import Synthetic

REFERENCE: Mapping[str, Any] = {
    "hyper_samples": 64,
    "representers": 100,
    "draws": 2048,
    "candidates": 1000,
    "finalists": 40,
}
STREAMS = 4
FROZEN: Mapping[str, Any] = {
    "hyper_samples": 10,
    "representers": 30,
    "draws": 1024,
    "candidates": 200,
    "finalists": 10,
}
"""how the histories were made, whatever the defaults are"""
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "fabolas": {},
    "reference": REFERENCE,
    "reference, again": REFERENCE,
    "candidates=150": {"candidates": 150},
    "candidates=450": {"candidates": 450},
    "finalists=40": {"finalists": 40},
    "hyper_samples=16": {"hyper_samples": 16},
    "mcmc_steps=40": {"mcmc_steps": 40},
    "representers=30": {"representers": 30},
    "representers=100": {"representers": 100},
    "draws=256": {"draws": 256},
    "draws=2048": {"draws": 2048},
    "ep": {"entropy": "ep"},
    "ep_corrected": {"entropy": "ep_corrected"},
    "ep, 30 x 50": {"entropy": "ep", "hyper_samples": 30, "representers": 50},
}


def frozen(number: int) -> tuple[Synthetic, History]:
    """History ``number``: which task, and how long, follow from it."""
    function, power = (("branin", 1), ("branin", 2), ("hartmann6", 1), ("hartmann6", 2))[number % 4]
    task = Synthetic(function, power)
    method = Fabolas(task.space, task.fidelities, **FROZEN)
    history = History((), task.loss_floor)
    for n in range(12 + (number * 7) % 49):
        chosen = method.suggest(history, stream(number, n, "suggest"))
        seen = task.evaluate(chosen.config, chosen.fidelity, stream(number, n, "evaluate"))
        trial = Trial(n, chosen.config, chosen.fidelity, seen.loss, seen.cost, "ok", chosen.note)
        history = history.append(trial)
    return task, history


def main(histories: int, wanted: Collection[str]) -> None:
    """Print the table, of the settings named (and the reference) or of all."""
    names = ("reference", *wanted) if wanted else tuple(SETTINGS)
    settings = {name: SETTINGS[name] for name in names}
    ratios: dict[str, list[float]] = {name: [] for name in settings}
    seconds: dict[str, list[float]] = {name: [] for name in settings}
    for number in range(histories):
        task, history = frozen(number)
        judge = Fabolas(task.space, task.fidelities, **REFERENCE)
        data = judge._read(history)
        assert data is not None
        value, _ = judge.acquisition(judge._fit(data), data, np.random.default_rng(10**6))
        worth = {}
        for name, options in settings.items():
            again = name.endswith("again")
            worth[name] = []
            for repeat in range(1 if options is REFERENCE else STREAMS):
                method = Fabolas(task.space, task.fidelities, **options)
                started = time.process_time()
                stream = np.random.default_rng([number, repeat + again])
                chosen = method.suggest(history, stream)
                seconds[name].append(time.process_time() - started)
                x = task.space.encode(chosen.config)[None]
                worth[name].append(float(value.value(x, np.array([chosen.fidelity]))[0]))
        for name, gains in worth.items():
            ratios[name] += [gain / worth["reference"][0] for gain in gains]
        print(f"\r{number + 1}/{histories}", end="", flush=True)
    print(f"\r{'setting':20s}{'quartiles of gain per cost':>30s}{'CPU s':>10s}")
    for name in settings:
        low, median, high = np.quantile(ratios[name], [0.25, 0.5, 0.75])
        print(f"{name:20s}{low:12.4f}{median:9.4f}{high:9.4f}{np.median(seconds[name]):10.3f}")


if __name__ == "__main__":
    with threadpool_limits(1):
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 50, sys.argv[2:])
