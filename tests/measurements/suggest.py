"""How fast methods suggest: ``python tests/measurements/suggest.py [method ...]``; gates nothing.

Median CPU seconds of ``suggest`` on one thread, for a fresh object given the whole history, over
histories of ``n`` trials in ``d`` dimensions: a noisy bowl, fidelities uniform in the logarithm.
Methods that only train in full are given ``n`` trials at the target, ``mtbo`` its two fidelities.
Every method has a process of its own, whose peak memory stands at the end of its rows.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path
from resource import RUSAGE_SELF

import numpy as np
import scipy.linalg  # noqa: F401  its BLAS must be loaded before threads are limited
from threadpoolctl import threadpool_limits

from benchmarks.components import build_method
from benchmarks.compose import compose
from benchmarks.core.space import Float, Space
from benchmarks.core.trial import Fidelities, History, Trial

TARGET_ONLY = ("entropy_search", "emukit_es", "emukit_mes", "ei", "gpy_ei")
METHODS = ("fabolas", "fabolas_paper", "emukit_fabolas", "mtbo", *TARGET_ONLY)
SHARES: dict[str, tuple[float, ...]] = {"mtbo": (0.25, 1.0), **dict.fromkeys(TARGET_ONLY, (1.0,))}
COUNTS = (10, 25, 50, 100, 200)
FIDELITIES = Fidelities(low=1 / 512)
ROOT = Path(__file__).resolve().parents[2]


def history(method: str, n: int, d: int, seed: int) -> tuple[Space, History]:
    """A history whose losses depend on two of ``d`` coordinates, with a tenth of noise."""
    rng = np.random.default_rng(seed)
    space = Space({f"x{i}": Float(0.0, 1.0) for i in range(d)})
    trials = []
    for number in range(n):
        config = space.sample(rng)
        s = float(rng.choice(SHARES[method])) if method in SHARES else float(512 ** -rng.random())
        away = (config["x0"] - 0.3) ** 2 + 0.5 * (config["x1"] - 0.6) ** 2 + 0.1 * (1 - s) ** 2
        loss = (0.02 + away) * float(np.exp(0.1 * rng.standard_normal()))
        trials.append(Trial(number, config, s, loss, 0.01 + s, "ok"))
    return space, History(trials, loss_floor=1e-4)


def seconds(method: str, n: int, d: int, repeats: int = 3) -> float:
    """Median CPU seconds over ``repeats`` histories."""
    settings = compose("config", [f"method={method}"])["method"]
    taken = []
    for seed in range(repeats):
        space, past = history(method, n, d, seed)
        fresh = build_method(settings, [], space, FIDELITIES)
        started = time.process_time()
        fresh.suggest(past, np.random.default_rng(seed))
        taken.append(time.process_time() - started)
    return float(np.median(taken))


def rows(method: str) -> None:
    """Print one row a dimension, and the process's peak memory."""
    with threadpool_limits(1):
        seconds(method, 10, 2, 1)  # imports and first calls
        for d in (2, 7):
            cells = []
            for n in COUNTS:
                first = seconds(method, n, d, 1)
                cells.append(first if first > 2 else seconds(method, n, d))
            end = "\n" if d == 2 else f"{resource.getrusage(RUSAGE_SELF).ru_maxrss / 1024:8.0f}\n"
            print(f"{method:16s} {d}  " + "".join(f"{c:8.3f}" for c in cells), end=end, flush=True)


def main(methods: tuple[str, ...]) -> None:
    """Print the table, or with one method its rows."""
    if len(methods) == 1:
        rows(methods[0])
        return
    heads = "".join(f"{f'n={n}':>8s}" for n in COUNTS)
    print(f"{'method':16s} d  {heads}{'MB':>8s}   CPU seconds, median of 3 (of 1 above 2 s)")
    for method in methods:
        subprocess.run([sys.executable, __file__, method], check=True)


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or METHODS)
