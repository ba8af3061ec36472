"""How fast methods suggest: ``python tests/bench/suggest.py [method ...]``; gates nothing.

Median CPU seconds of ``suggest`` on one thread, for a fresh object given the whole history, over
histories of ``n`` trials in ``d`` dimensions: a noisy bowl, fidelities uniform in the logarithm.
Methods that only train in full are given ``n`` trials at the target, ``mtbo`` its two fidelities.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import yaml
from threadpoolctl import threadpool_limits

from benchmarks.core.space import Float, Space
from benchmarks.core.trial import Fidelities, History, Trial
from benchmarks.settings import build_method

METHODS = ("fabolas", "fabolas_paper", "mtbo", "entropy_search", "ei", "gpy_ei")
SHARES = {"mtbo": (0.25, 1.0), "entropy_search": (1.0,), "ei": (1.0,), "gpy_ei": (1.0,)}
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
    settings = yaml.safe_load((ROOT / f"conf/method/{method}.yaml").read_text())
    taken = []
    for seed in range(repeats):
        space, past = history(method, n, d, seed)
        fresh = build_method(settings, [], space, FIDELITIES)
        started = time.process_time()
        fresh.suggest(past, np.random.default_rng(seed))
        taken.append(time.process_time() - started)
    return float(np.median(taken))


def main(methods: tuple[str, ...]) -> None:
    """Print one row a method and dimension, in the order of the rows' numbers of trials."""
    print(f"{'method':16s} d  " + "".join(f"{f'n={n}':>8s}" for n in COUNTS) + "   CPU seconds")
    with threadpool_limits(1):
        for method in methods:
            seconds(method, 10, 2, 1)  # imports and first calls
            for d in (2, 7):
                row = "".join(f"{seconds(method, n, d):8.3f}" for n in COUNTS)
                print(f"{method:16s} {d}  {row}", flush=True)


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or METHODS)
