"""The command line with random settings and hostile tasks: codes and lines, never a traceback.

The first 30 cases by default, 200 with the slow test; ``--hostile 2000`` takes more.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from support.cli import call_here
from support.hostile import KINDS, METHODS

VALUES: dict[str, list[str]] = {
    "seed": ["0", "1", "-1", "x", "1.5", "null", "true"],
    "threads": ["1", "2", "0", "many"],
    "study": ["default", "a,b", "'..'", "../x", "/abs", "ä ö", "''", "null", "[/x]"],
    "time_limit": ["null", "10m", "0", "-1", "nan", "true"],
    "resume": ["true", "false", "no way", "3"],
    "summary": ["false", "true", "maybe"],
    "allow": ["[support]", "[os]", "support", "null"],
    "workers": ["20", "null", "{n: 2}"],
    "workers.n": ["1", "3", "0", "2.5", "two"],
    "workers.engine": ["null", "virtual", "serial", "warp"],
    "workers.overhead": ["0.1", "measured", "-1", "none"],
    "workers.address": ["null", "tcp://127.0.0.1:1"],
    "budget.trials": ["5", "8", "1e1", "0", "-3", "2.5", "nan", "many"],
    "budget.cost": ["null", "3", "0", "x"],
    "budget.target_evaluations": ["null", "2", "-1"],
    "budget.trainings": ["null", "2", "0"],
    "budget.nominal": ["null", "3"],
    "budget.target_cost": ["null", "2.0", "0"],
    "budget.trails": ["3"],
    "method.kind": [f"'{kind}'" for kind in METHODS],
    "+method.no_such_option": ["1"],
    "task.good": ["0", "3", "x"],
    "task.hours_per_training": ["null", "4.2", "0", "inf", "long"],
    "task.truth": ["''", "raises", "nan"],
    "task.name": ["mine", "a/b", "null", "'[bold]'"],
    "task._target_": ["support.hostile.Hostile", "support.hostile.KINDS", "os.system", "nothing"],
    "~method": [""],
    "task": ["hostile", "3945", "null", "svm_mnits"],
    "no_such_key": ["1"],
}


def arguments(rng: np.random.Generator) -> list[str]:
    """A command line: a method that tells its kind, hostile answers, some random settings."""
    kinds = rng.choice(list(KINDS), size=int(rng.integers(1, 4)), replace=False)
    words = {
        "method": str(rng.choice(["random", "hostile", "hyperband", "asha", "hostile"])),
        "task": "hostile",
        "task.kinds": "[" + ",".join(f"'{kind}'" for kind in kinds) + "]",
        "allow": "[support]",
        "budget.trials": "6",
        "plot": "false",
    }
    changed = int(rng.choice(4, p=[0.4, 0.3, 0.2, 0.1]))
    for name in rng.choice(list(VALUES), size=changed, replace=False):
        if name == "method.kind" and words["method"] != "hostile":
            continue
        words[str(name)] = str(rng.choice(VALUES[name]))
    return [name if name.startswith("~") else f"{name}={value}" for name, value in words.items()]


FIRST = 30
"""number of cases that are no slow test"""


def test_every_command_line_ends_with_a_code_and_lines(tmp_path: Path) -> None:
    check(range(FIRST), tmp_path)


@pytest.mark.slow
def test_so_do_many_more(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    check(range(FIRST, int(pytestconfig.getoption("--hostile"))), tmp_path)


def check(cases: range, tmp_path: Path) -> None:
    """Give each command line twice; look at how it ends, what it says and what it leaves."""
    codes = Counter[int]()
    for case in cases:
        folder = tmp_path / str(case)
        folder.mkdir()
        command = arguments(np.random.default_rng([2026, case]))
        code = 0
        for again in (False, True):  # the same command again: what it left behind can be read
            if again and code == 2:
                break
            done = call_here(folder, *command)
            code, output, errors = done.returncode, done.stdout, done.stderr
            codes[code] += 1
            said = f"case {case}: {' '.join(command)}\n{output}{errors}"
            assert code in (0, 1, 2, 130), said
            assert "Traceback" not in output + errors, said
            if code == 2:
                assert len(errors.splitlines()) == 1, said
                assert errors.startswith("error: "), said
            if code == 1:
                assert errors.startswith("failed: "), said
            assert {path.name for path in folder.iterdir()} <= {"results"}, said
        assert not list(tmp_path.glob("*.jsonl")), said
    print(f"{len(cases)} command lines, given twice: exit codes {dict(codes)}")
    assert len(cases) < FIRST or {0, 1, 2} <= set(codes)  # a few may have none that fails
