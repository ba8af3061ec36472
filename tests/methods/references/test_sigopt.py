"""SigOpt's library itself where its environment is there, and the way to it with broken ends."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from benchmarks.core.space import Categorical, Float, Integer, Ordinal, PowerOfTwo, Space
from benchmarks.core.trial import Fidelities, History, Status, Trial
from methods.references.sigopt import (
    REQUIREMENTS,
    SigOpt,
    _decode,
    _encode,
    _sigopt_parameter,
    environment,
)
from methods.references.sigopt_process import JsonProcess, WorkerError
from support.processes import alive
from support.waiting import PATIENCE, wait_for

CARS = Space.from_spec(
    yaml.safe_load((Path(__file__).parents[3] / "conf/space/cars.yaml").read_text())
)
EPOCHS = Fidelities(values=(4 / 35, 18 / 35, 1.0), nominal=(0.1, 0.5, 1.0), full=35, unit="epochs")
FULL = Fidelities()
LINE = Space({"x": Float(0.0, 1.0)})
library = pytest.mark.skipif(
    not environment().is_file(), reason=f"no environment for SigOpt: {environment()} is missing"
)


def loss(config: Any) -> float:
    return float(np.sum((CARS.encode(config) - 0.3) ** 2)) / 8


def history(
    count: int,
    space: Space = CARS,
    fidelities: Fidelities = EPOCHS,
    value: Callable[[Any], float] = loss,
    status: Status = "ok",
) -> History:
    """Uniform configs, the fidelities in turn."""
    rng = np.random.default_rng(0)
    trials = []
    for number in range(count):
        config, shares = space.sample(rng), fidelities.values or (1.0,)
        reached = value(config) if status == "ok" else np.nan
        trials.append(Trial(number, config, shares[number % len(shares)], reached, 1.0, status))
    return History(trials, 1e-3)


def suggested(past: History, space: Space = CARS, fidelities: Fidelities = EPOCHS) -> Any:
    suggestion = SigOpt(space, fidelities).suggest(past, np.random.default_rng(1))
    space.check(suggestion.config)
    fidelities.check(suggestion.fidelity)
    return suggestion


# ---- the mapping


def test_cars_hyperparameters_as_sigopt_defines_them() -> None:
    assert [_sigopt_parameter(name, p) for name, p in CARS.parameters.items()] == [
        {
            "name": "learning_rate",
            "type": "double",
            "bounds": {"min": 1.2e-4, "max": 1.0},
            "transformation": "log",
        },
        {"name": "scheduler_factor", "type": "double", "bounds": {"min": 0.0, "max": 0.99}},
        {"name": "scheduler_patience", "type": "int", "bounds": {"min": 1, "max": 20}},
        {"name": "batch_size", "type": "int", "bounds": {"min": 4, "max": 8}},
        {"name": "nesterov", "type": "categorical", "categorical_values": ["0", "1"]},
        {
            "name": "weight_decay",
            "type": "double",
            "bounds": {"min": 1.2e-5, "max": 1.0},
            "transformation": "log",
        },
        {"name": "momentum", "type": "double", "bounds": {"min": 0.0, "max": 0.9}},
    ]


def test_values_come_back_as_they_went() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        config = CARS.sample(rng)
        there = {name: _encode(p, config[name]) for name, p in CARS.parameters.items()}
        assert 4 <= there["batch_size"] <= 8
        assert there["nesterov"] in ("0", "1")
        back = {name: _decode(p, there[name]) for name, p in CARS.parameters.items()}
        assert back == config
        assert [type(v) for v in back.values()] == [float, float, int, int, bool, float, float]


def test_a_rounding_error_beyond_the_bounds_is_clipped() -> None:
    assert _decode(Float(1.2e-4, 1.0, log=True), 10 ** np.log10(1.2e-4) * (1 - 1e-15)) == 1.2e-4
    assert _decode(Float(0.0, 0.99), 0.99 + 1e-15) == 0.99


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        (Integer(3, 3), "k: SigOpt needs at least two values"),
        (Categorical(("a",)), "k: SigOpt needs at least two values"),
        (Ordinal((1, 2)), "k: SigOpt does not support Ordinal"),
    ],
)
def test_what_sigopt_has_not(parameter: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        SigOpt(Space({"k": parameter}), FULL, python=sys.executable)


# ---- the environment


def test_a_missing_environment_is_one_line_with_the_command_that_makes_it(tmp_path: Path) -> None:
    python = tmp_path / "there" / "bin" / "python"
    with pytest.raises(
        ValueError, match=r"^method.python: .* not found; create it with: "
    ) as raised:
        SigOpt(CARS, EPOCHS, python=str(python))
    assert str(raised.value).endswith(
        f"{python} not found; create it with: python3.11 -m venv {tmp_path}/there && "
        f"{tmp_path}/there/bin/pip install --no-deps -r {REQUIREMENTS}"
    )


def test_where_it_is_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("UNTUNABLE_SIGOPT", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert environment() == tmp_path / "untunable" / "sigopt" / "bin" / "python"
    monkeypatch.setenv("UNTUNABLE_SIGOPT", "/elsewhere/python")
    assert environment() == Path("/elsewhere/python")
    assert environment("~/mine/python") == Path.home() / "mine" / "python"


def test_a_python_without_the_library_says_what_is_missing_and_what_to_do() -> None:
    method = SigOpt(CARS, EPOCHS, python=sys.executable)
    with pytest.raises(
        WorkerError, match=r"it died \(exit code 1\): ModuleNotFoundError: .*; recreate it with: "
    ):
        method.suggest(History(), np.random.default_rng(0))


PIPES = """
import json, os, sys
requests, replies = os.fdopen(int(sys.argv[-2])), os.fdopen(int(sys.argv[-1]), "w")
say = lambda message: print(json.dumps(message), file=replies, flush=True)
"""


def fake(tmp_path: Path, code: str) -> str:
    """A "Python" that runs ``code``, whatever it is asked to run."""
    script = tmp_path / "python"
    script.write_text(f"#!{sys.executable}\n{code}")
    script.chmod(0o755)
    return str(script)


def test_other_versions_are_refused(tmp_path: Path) -> None:
    python = fake(tmp_path, f"{PIPES}say({{'ready': {{'numpy': '9.0'}}}})")
    with pytest.raises(WorkerError, match=r"found numpy 9.0, need 1\.26\.4; recreate it with: "):
        SigOpt(CARS, EPOCHS, python=python).suggest(History(), np.random.default_rng(0))


@pytest.mark.parametrize(
    "answer",
    [
        "{'assignments': {}, 'task': None, 'hyperparameters': None, 'cpu': 1.0}",
        "{'assignments': {'x': 'high'}, 'task': None, 'hyperparameters': None, 'cpu': 1.0}",
        "{'cpu': 1.0}",
    ],
)
def test_an_answer_that_makes_no_sense(tmp_path: Path, answer: str) -> None:
    code = f"{PIPES}say({{'ready': {{}}}})\nfor line in requests: say({answer})"
    method = SigOpt(LINE, FULL, python=fake(tmp_path, code))
    with pytest.raises(WorkerError, match=r"^unexpected answer from SigOpt: \{"):
        method.suggest(History(), np.random.default_rng(0))


@pytest.mark.parametrize("timeout", [0, -1, True, "long", float("nan")])
def test_a_timeout_is_a_positive_number(timeout: Any) -> None:
    with pytest.raises(ValueError, match=r"^method.timeout=.*: must be a positive number"):
        SigOpt(CARS, EPOCHS, python=sys.executable, timeout=timeout)


# ---- the protocol, with real processes

ECHO = f"""{PIPES}
say({{"ready": os.getpid()}})
for line in requests:
    request = json.loads(line)
    if "do" in request:
        exec(request["do"])
    say({{"got": request, "pid": os.getpid()}})
"""


def process(code: str = ECHO, limit: float = PATIENCE, **options: Any) -> JsonProcess:
    return JsonProcess([sys.executable, "-c", code], limit, **options)


def test_one_process_serves_all_requests() -> None:
    talk = process()
    first = talk.ask({"n": 1})
    assert first["got"] == {"n": 1}
    assert talk.ask({"n": 2})["pid"] == first["pid"]
    talk.close()
    talk.close()


def test_a_request_larger_than_a_pipe_holds() -> None:
    talk = process()
    assert talk.ask({"long": "x" * 3_000_000})["got"]["long"] == "x" * 3_000_000
    talk.close()


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ("replies.write('rubbish\\n')", "its answer is not a JSON object: 'rubbish"),
        ("say([1, 2])", r"its answer is not a JSON object: '\[1, 2\]"),
        ("os.write(replies.fileno(), bytes([255, 10]))", "its answer is not a JSON object: '"),
        ("os._exit(7)", r"it died \(exit code 7\): it printed nothing$"),
        ("raise KeyError('lost')", r"it died \(exit code 1\): KeyError: 'lost'$"),
        ("os.kill(os.getpid(), 9)", r"it died \(killed by SIGKILL\): it printed nothing$"),
        ("import time; time.sleep(3600)", r"^no answer within 1 s$"),
        (
            "os.write(replies.fileno(), b'half'); import time; time.sleep(3600)",
            "^no answer within 1 s$",
        ),
    ],
)
def test_a_broken_answer_is_one_clear_line_and_the_next_request_works(
    action: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = process()
    before = talk.ask({})["pid"]
    with monkeypatch.context() as hurried:
        if "sleep" in action:  # the others may take as long as they need
            hurried.setattr(talk, "_limit", 1.0)
        with pytest.raises(WorkerError, match=message) as raised:
            talk.ask({"do": action})
    assert "\n" not in str(raised.value)
    assert talk.ask({"n": 3})["pid"] != before
    talk.close()


def test_a_process_that_reads_nothing_is_given_up_in_time() -> None:
    talk = process(f"{PIPES}say({{}}); import time; time.sleep(3600)", limit=1.0)
    with pytest.raises(WorkerError, match=r"^no answer within 1 s$"):
        talk.ask({"long": "x" * 3_000_000})


def test_one_that_was_killed_between_requests_is_replaced() -> None:
    talk = process()
    pid = talk.ask({})["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not alive(pid))
    assert talk.ask({"n": 1})["got"] == {"n": 1}
    talk.close()


def test_what_cannot_be_started_says_so_and_how_to_repair_it(tmp_path: Path) -> None:
    (tmp_path / "python").write_text("")
    talk = JsonProcess([str(tmp_path / "python")], 1.0, repair="; do this")
    with pytest.raises(
        WorkerError, match=r"could not start .*python: .*Permission denied.*; do this$"
    ):
        talk.ask({})


def test_it_ends_with_its_object_and_so_do_its_forks() -> None:
    talk = process()
    fork = "import time\nrequest['fork'] = os.fork()\nif not request['fork']: time.sleep(3600)"
    answer = talk.ask({"do": fork})
    del talk
    gc.collect()
    for pid in (answer["pid"], answer["got"]["fork"]):
        wait_for(lambda pid=pid: not alive(pid))


# ---- the library


@library
def test_it_finds_the_bowl_and_uses_all_tasks() -> None:
    space = Space({"a": Float(0.0, 1.0), "b": Float(0.0, 1.0)})
    method, past = SigOpt(space, EPOCHS), History((), 1e-3)
    for number in range(20):
        chosen = method.suggest(past, np.random.default_rng([0, number]))
        reached = (chosen.config["a"] - 0.3) ** 2 + (chosen.config["b"] - 0.6) ** 2
        reached += 0.1 * (1 - chosen.fidelity)
        past = past.append(
            Trial(number, chosen.config, chosen.fidelity, reached, 1.0, "ok", chosen.note)
        )
        assert bool(chosen.note) == (number > 4)
    assert {t.fidelity for t in past} == set(EPOCHS.values or ())
    best = method.recommend(past, np.random.default_rng(0))
    assert past.best_at_target is not None
    assert best == past.best_at_target.config
    assert past.best_at_target.loss < 0.01  # of uniform configs, one in 30 is
    assert method.cpu_elsewhere > 15 * 0.05


@library
def test_on_the_cars_space() -> None:
    first, later = suggested(History()), suggested(history(20))
    assert not first.note
    assert set(later.note["hyperparameters"][0]) == {
        "alpha",
        "length_scales",
        "task_length",
        "tikhonov",
    }


@library
def test_without_nominal_costs_it_trains_in_full_and_reads_nothing_else() -> None:
    offered = Fidelities(values=(0.25, 1.0))
    past = history(20, fidelities=offered)
    suggestion = suggested(past, fidelities=offered)
    assert suggestion.fidelity == 1.0
    lied = [t if t.fidelity == 1 else replace(t, loss=t.loss + 7) for t in past]
    assert suggested(History(lied, 1e-3), fidelities=offered) == suggestion


@library
@pytest.mark.parametrize("fidelities", [EPOCHS, FULL], ids=["tasks", "plain"])
def test_awkward_histories(fidelities: Fidelities) -> None:
    same = history(20, fidelities=fidelities)
    for past in (
        history(20, fidelities=fidelities, value=lambda config: 0.5),
        history(20, fidelities=fidelities, value=lambda config: 0.0),
        history(20, fidelities=fidelities, value=lambda config: 1e9 * loss(config)),
        history(20, fidelities=fidelities, status="failed"),
        history(20, fidelities=fidelities, status="diverged"),
        history(20, fidelities=fidelities, status="running"),
        History([replace(t, config=same.trials[0].config) for t in same], 1e-3),
        History(
            [replace(t, status="failed", loss=np.nan) if t.number % 3 else t for t in same], 1e-3
        ),
    ):
        suggested(past, fidelities=fidelities)


@library
def test_a_running_trial_is_not_suggested_again() -> None:
    past = history(20, LINE, FULL, lambda config: (config["x"] - 0.71) ** 2)
    first = suggested(past, LINE, FULL)
    open_too = past.append(Trial(20, first.config, 1.0, np.nan, np.nan, "running", first.note))
    assert abs(first.config["x"] - 0.71) < 0.02
    second = suggested(open_too, LINE, FULL)
    assert abs(second.config["x"] - first.config["x"]) > 0.005


@library
def test_failures_are_told() -> None:
    """Beyond 0.7 a model that was told nothing expects the minimum, at 1."""
    past = history(24, LINE, FULL, lambda config: 1 - config["x"])
    told = [replace(t, status="failed", loss=np.nan) if t.config["x"] > 0.7 else t for t in past]
    untold = [t for t in past if t.config["x"] <= 0.7]
    assert suggested(History(untold, 1e-3), LINE, FULL).config["x"] > 0.95
    assert suggested(History(told, 1e-3), LINE, FULL).config["x"] < 0.9


@library
def test_hyperparameters_are_carried_in_the_note() -> None:
    """With equal losses SigOpt does not search, and keeps those that it was given."""
    past = history(20, value=lambda config: 0.5)
    fitted = suggested(history(20)).note
    last = past.trials[-1]
    past = History([*past.trials[:-1], replace(last, note=fitted)], 1e-3)
    assert suggested(past).note == fitted


@library
def test_what_was_computed_before_leaves_no_trace() -> None:
    mixed = Space(
        {
            "x": Float(0.0, 1.0),
            "y": Float(1e-4, 1.0, log=True),
            "k": PowerOfTwo(16, 256),
            "c": Categorical(("u", "v")),
        }
    )
    pasts = [history(n, mixed, FULL, lambda config: config["x"]) for n in (12, 30, 7, 21, 12)]
    used = SigOpt(mixed, FULL)
    for past in pasts:
        fresh = SigOpt(mixed, FULL).suggest(past, np.random.default_rng(3))
        assert used.suggest(past, np.random.default_rng(3)) == fresh
    assert used.suggest(pasts[0], np.random.default_rng(4)) != fresh


@library
def test_the_libraries_errors_are_one_line_and_it_goes_on() -> None:
    few = Space({"k": Integer(1, 3), "c": Categorical(("u", "v"))})
    method = SigOpt(few, FULL)
    past = history(30, few, FULL, lambda config: float(config["k"]))
    with pytest.raises(WorkerError, match=r"^SigOpt could not suggest: IndexError: "):
        method.suggest(past, np.random.default_rng(0))
    few.check(method.suggest(History(past.trials[:2]), np.random.default_rng(0)).config)


@library
def test_a_killed_worker_is_replaced_and_suggests_the_same() -> None:
    method = SigOpt(CARS, EPOCHS)
    before = method.suggest(history(18), np.random.default_rng(0))
    running = method._library._child
    assert running is not None
    os.kill(running.pid, signal.SIGKILL)
    wait_for(lambda: not alive(running.pid))
    assert method.suggest(history(18), np.random.default_rng(0)) == before


@library
@pytest.mark.slow
def test_tasks_are_drawn_with_probabilities_proportional_to_exp_of_minus_cost() -> None:
    past = history(12, LINE, value=lambda config: (config["x"] - 0.4) ** 2)
    method = SigOpt(LINE, EPOCHS)
    draws = Counter(method.suggest(past, np.random.default_rng(n)).fidelity for n in range(120))
    wanted = np.exp([-0.1, -0.5, -1.0])
    wanted = 120 * wanted / wanted.sum()
    seen = [draws[s] for s in EPOCHS.values or ()]
    assert sum((seen - wanted) ** 2 / wanted) < 13.8  # chi-squared, 2 degrees, 1 in 1,000
