from __future__ import annotations

from typing import Any

import pytest

from methods.options import check_choice, check_counts, check_flag, check_shares


def test_good_options_pass() -> None:
    check_counts(samples=1, others=10)
    check_shares(fidelities=[0.1, 1], more=(0.5,))
    check_choice("rule", "one", ("one", "two"))
    check_flag("switch", False)


@pytest.mark.parametrize("value", [0, -1, 1.5, "3", True, None])
def test_a_count_must_be_a_whole_number_of_1_or_more(value: Any) -> None:
    with pytest.raises(ValueError, match=f"^method.samples={value}: must be a whole number"):
        check_counts(samples=value)


@pytest.mark.parametrize("value", [[], [2], [0], [0.5, -1], ["a"], 0.5, "half"])
def test_shares_must_be_fidelities(value: Any) -> None:
    with pytest.raises(ValueError, match=r"must be a list of fidelities in \(0, 1\]"):
        check_shares(initial_fidelities=value)


def test_a_choice_must_be_one_of_the_allowed_and_a_hint_is_given() -> None:
    with pytest.raises(ValueError, match=r"^method.rule=tow: allowed are one, two; did you mean"):
        check_choice("rule", "tow", ("one", "two"))


@pytest.mark.parametrize("value", [1, "true", None])
def test_a_flag_must_be_true_or_false(value: Any) -> None:
    with pytest.raises(ValueError, match=f"^method.switch={value}: must be true or false"):
        check_flag("switch", value)
