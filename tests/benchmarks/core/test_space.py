from __future__ import annotations

import json
import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.core.space import (
    Categorical,
    Constant,
    Float,
    Integer,
    Ordinal,
    Parameter,
    PowerOfTwo,
    Space,
    check_choice,
)

SPACE = Space({
    "rate": Float(1e-4, 1.0, log=True),
    "layers": Integer(2, 5),
    "batch": PowerOfTwo(16, 256),
    "rounds": Integer(10, 500, log=True),
    "kind": Categorical(("a", "b", True)),
    "size": Ordinal((8, 32, "all")),
    "fixed": Constant("adam"),
    "shift": Float(-1.0, 3.0),
})  # fmt: skip
POINTS = st.lists(st.floats(0, 1), min_size=SPACE.width, max_size=SPACE.width)


@given(POINTS)
def test_every_point_of_the_cube_is_a_config_and_comes_back(point: list[float]) -> None:
    config = SPACE.decode(np.array(point))
    SPACE.check(config)
    again = SPACE.decode(SPACE.encode(config))
    assert {**again, "rate": 0, "shift": 0} == {**config, "rate": 0, "shift": 0}
    assert again["rate"] == pytest.approx(config["rate"])
    assert again["shift"] == pytest.approx(config["shift"], abs=1e-12)


@given(POINTS)
def test_a_described_space_and_a_numbered_config_are_the_same_again(point: list[float]) -> None:
    facts = json.loads(json.dumps(SPACE.spec()))
    same = Space.from_spec(facts)
    assert same == SPACE
    config = SPACE.decode(np.array(point))
    back = same.from_numbers(SPACE.numbers(config))
    assert back == config
    assert [type(value) for value in back.values()] == [type(value) for value in config.values()]


def test_log_floats_and_integers_share_the_interval_evenly() -> None:
    assert Float(1e-4, 1.0, log=True).encode(1e-2) == [pytest.approx(0.5)]
    values = [Integer(2, 5).decode(np.array([u])) for u in (0.0, 0.24, 0.26, 0.74, 0.76, 1.0)]
    assert values == [2, 2, 3, 4, 5, 5]


@pytest.mark.parametrize(("low", "high"), [(1, 1), (1, 8), (4, 256), (10, 500), (1, 10**9)])
def test_log_integers_come_back_exactly(low: int, high: int) -> None:
    parameter = Integer(low, high, log=True)
    inner = np.geomspace(low, high, 200).round().astype(int).tolist()
    for value in {low, min(low + 1, high), max(high - 1, low), high, *inner}:
        (u,) = parameter.encode(value)
        assert 0 < u < 1
        assert parameter.decode(np.array([u])) == value


def test_log_integers_have_the_share_of_their_rounding_interval() -> None:
    parameter, count = Integer(1, 8, log=True), 160_000
    drawn = [parameter.decode(np.array([u])) for u in (np.arange(count) + 0.5) / count]
    edges = np.log(np.arange(1, 10) - 0.5)
    expected = np.diff(edges) / (edges[-1] - edges[0])
    np.testing.assert_allclose(np.bincount(drawn)[1:] / count, expected, atol=2e-5)
    assert parameter.decode(np.array([0.0])) == parameter.decode(np.array([-1.0])) == 1
    assert parameter.decode(np.array([1.0])) == parameter.decode(np.array([2.0])) == 8


def test_integers_without_log_are_described_as_they_always_were() -> None:
    space = Space({"layers": Integer(2, 5), "rounds": Integer(10, 500, log=True)})
    assert space.spec() == {
        "layers": {"kind": "integer", "low": 2, "high": 5},
        "rounds": {"kind": "integer", "low": 10, "high": 500, "log": True},
    }


def test_powers_of_two_share_the_interval_evenly() -> None:
    batch = PowerOfTwo(16, 256)
    values = [batch.decode(np.array([u])) for u in (0.0, 0.19, 0.21, 0.5, 0.99, 1.0)]
    assert values == [16, 16, 32, 64, 256, 256]
    assert [batch.encode(value)[0] for value in (16, 64, 256)] == [0.1, 0.5, 0.9]
    for bad in (24, 8, 512, 16.0, True):
        with pytest.raises(ValueError, match=r"allowed are powers of two in \[16, 256\]"):
            batch.check("batch", bad)
    for low, high in ((12, 64), (64, 16), (0, 4), (8, 8)):
        with pytest.raises(ValueError, match="must be powers of two"):
            PowerOfTwo(low, high)


@pytest.mark.parametrize(
    ("fact", "message"),
    [
        ({"kind": "flaot", "low": 0, "high": 1}, "rate.kind=flaot: .*did you mean 'float'"),
        ({"low": 0, "high": 1}, "rate.kind=None: allowed are float, integer"),
        ({"kind": "float", "lo": 0, "high": 1}, "rate: not of kind float"),
    ],
)
def test_a_wrong_description_is_refused_in_one_line(fact: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        Space.from_spec({"rate": fact})


def test_samples_are_uniform_and_seeded() -> None:
    configs = [SPACE.sample(np.random.default_rng(0)) for _ in range(2)]
    assert configs[0] == configs[1]
    rng = np.random.default_rng(1)
    drawn = [SPACE.sample(rng) for _ in range(2000)]
    assert np.mean([config["rate"] < 1e-2 for config in drawn]) == pytest.approx(0.5, abs=0.05)
    assert np.mean([config["layers"] == 5 for config in drawn]) == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"rate": 2.0}, r"rate=2.0: allowed is \[0.0001, 1.0\]"),
        ({"rate": True}, "rate=True"),
        ({"layers": 2.5}, "layers=2.5: allowed are whole numbers"),
        ({"layers": 9}, r"layers=9: allowed are whole numbers in \[2, 5\]"),
        ({"kind": "c"}, "kind='c': allowed are"),
        ({"layer": 3}, "unknown hyperparameter 'layer'; did you mean 'layers'"),
    ],
)
def test_a_config_outside_the_space_is_one_clear_line(changed: dict[str, Any], says: str) -> None:
    config = {
        "rate": 0.1,
        "layers": 3,
        "batch": 32,
        "rounds": 20,
        "kind": "a",
        "shift": 0.0,
        **changed,
    }
    with pytest.raises(ValueError, match=says):
        SPACE.check(config)


def test_a_missing_hyperparameter_is_named() -> None:
    with pytest.raises(ValueError, match="hyperparameter 'kind' is missing"):
        SPACE.check({"rate": 0.1, "layers": 3, "batch": 32, "rounds": 20, "shift": 0.0})


@pytest.mark.parametrize("bad", [lambda: Float(1, 1), lambda: Float(0, 1, log=True)])
def test_bounds_that_mean_nothing_are_refused(bad: Any) -> None:
    with pytest.raises(ValueError, match="bad bounds"):
        bad()


def test_a_choice_that_is_not_there_brings_the_nearest() -> None:
    check_choice("method.rule", "ceil", ("ceil", "floor"))
    with pytest.raises(
        ValueError, match=r"method\.rule=flor: allowed are ceil, floor; did you mean"
    ):
        check_choice("method.rule", "flor", ("ceil", "floor"))


@pytest.mark.parametrize("parameter", list(SPACE.parameters.values()))
def test_encodings_have_the_width_they_say(parameter: Parameter) -> None:
    value = parameter.decode(np.full(parameter.width, 0.3))
    assert len(parameter.encode(value)) == parameter.width


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Float(0, math.inf), "must be finite numbers"),
        (lambda: Float(math.nan, 1), "must be finite numbers"),
        (lambda: Float("0", 1), "must be finite numbers"),  # type: ignore[arg-type]
        (lambda: Float(False, True), "must be finite numbers"),
        (lambda: Integer(1, 1e2), "must be whole numbers (100, not 1e2)"),  # type: ignore[arg-type]
        (lambda: Integer(5, 1), "rising"),
        (lambda: Integer(False, 1), "must be whole numbers"),
        (lambda: Float(-1e308, 1e308), "too far apart"),
        (lambda: Integer(0, 2**53 + 1), "must lie within 2**53"),
        (lambda: PowerOfTwo(True, 4), "must be powers of two"),
        (lambda: PowerOfTwo(1, 2**60), "must lie within 2**53"),
        (lambda: Categorical("abc"), "must be a tuple, ('abc',)"),  # type: ignore[arg-type]
        (lambda: Categorical((math.nan, 1.0)), "choice nan: must be finite"),
        (lambda: Categorical((10**30, 1)), "must lie within 2**53"),
        (lambda: Space({"x": 3}), "'x': 3 is none of Float"),  # type: ignore[dict-item]
        (lambda: Space({"x": Float}), "is none of Float"),  # type: ignore[dict-item]
        (lambda: Space([Float(0, 1)]), "at least one hyperparameter, {name"),  # type: ignore[arg-type]
        (lambda: Categorical(()), "must have at least one value"),
        (lambda: Categorical((1, True)), "choices 1 and True are equal"),
        (lambda: Categorical(("a", "b", "a")), "choices 'a' and 'a' are equal"),
        (lambda: Categorical(("a", ["b"])), "choice ['b']: must be a text, a number"),
        (lambda: Space({}), "at least one hyperparameter"),
        (lambda: Space({1: Float(0, 1)}), "hyperparameter 1: its name"),  # type: ignore[dict-item]
        (
            lambda: Space.from_spec({"n": {"kind": "integer", "low": 5, "high": 1}}),
            "n: not of kind integer (bad bounds [5, 1]",
        ),
    ],
)
def test_what_is_no_space_is_refused_where_it_is_made(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


def test_an_ordinal_has_one_coordinate_and_equal_shares() -> None:
    sizes = Ordinal((8, 32, "all"))
    assert [sizes.decode(np.array([u])) for u in (0.0, 0.32, 0.34, 0.67, 1.0)] == [
        8, 8, 32, "all", "all",
    ]  # fmt: skip
    assert sizes.encode(32) == [pytest.approx(0.5)]
    with pytest.raises(ValueError, match="size=9: allowed are"):
        sizes.check("size", 9)
    with pytest.raises(ValueError, match="at least 2 values"):
        Ordinal((8,))


def test_a_constant_is_in_every_config_and_has_no_coordinate() -> None:
    space = Space({"x": Float(0, 1), "opt": Constant("adam")})
    assert space.width == 1
    assert space.decode(np.array([0.5])) == {"x": 0.5, "opt": "adam"}
    assert space.from_numbers(space.numbers({"x": 0.5, "opt": "adam"})) == {"x": 0.5, "opt": "adam"}
    with pytest.raises(ValueError, match="allowed is 'adam' only"):
        space.check({"x": 0.5, "opt": "sgd"})
    with pytest.raises(ValueError, match="at least one hyperparameter that varies"):
        Space({"opt": Constant("adam")})
