from __future__ import annotations

import pytest

from benchmarks.components import build_task, locate
from benchmarks.settings import ConfigError


def test_targets_outside_our_packages_are_refused_unless_allowed() -> None:
    with pytest.raises(ConfigError, match=r"_target_=os\.system: allowed packages are methods"):
        locate("os.system", [])
    assert locate("os.path.join", ["os"]) is not None


def test_a_target_that_does_not_exist_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'RandomSearch'"):
        locate("methods.random_search.RandmSearch", [])
    with pytest.raises(ConfigError, match=r"No module named 'methods\.nothing'"):
        locate("methods.nothing.Method", [])


def test_unknown_options_and_bad_values_are_one_line() -> None:
    tiny = {"_target_": "support.tiny.Tiny", "name": "tiny"}
    with pytest.raises(ConfigError, match=r"^unknown key task\.lwo; did you mean 'low'\?"):
        build_task({**tiny, "lwo": 1}, ["support"])
    with pytest.raises(ConfigError, match=r"^task=tiny: fidelities must rise.*$"):
        build_task({**tiny, "low": 2.0}, ["support"])
