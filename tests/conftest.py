"""Options and fixtures for all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from threadpoolctl import threadpool_limits

ROOT = Path(__file__).resolve().parents[1]
PROCESSES = (
    "analysis/test_report_in_browser",
    "benchmarks/engines/test_dask_cluster",
    "benchmarks/engines/test_local",
    "faults/test_full_disk",
    "faults/test_killed",
    "faults/test_many_workers",
)
"""tests that start processes of their own, by the beginning of their paths"""
SHARED = {"curve_table"}
"""fixtures that take long to make, so that one worker of pytest-xdist makes them, once"""


# A slow machine makes no test of Hypothesis fail: neither for one example, nor for drawing them.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a stranger run the contract suites on a class of their own: ``--method=pkg.Class``."""
    for group in ("method", "task"):
        parser.addoption(
            f"--{group}",
            action="append",
            help=f"{group} to run the contract suites on: name of a YAML, or module.Class",
        )
    parser.addoption(
        "--hostile", default="200", help="random command lines in tests/faults: 31 or more"
    )
    parser.addoption(
        "--refresh-golden", action="store_true", help="write tests/contracts/golden.json anew"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one worker of pytest-xdist run what starts clusters, browsers or processes to be killed:
    two at once would wait for each other. And one all that shares what takes long to make.
    """
    for item in items:
        for name in SHARED & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group(name))
        if item.path.relative_to(ROOT / "tests").as_posix().startswith(PROCESSES):
            item.add_marker(pytest.mark.xdist_group("processes"))


@pytest.fixture(scope="session", autouse=True)
def _one_blas_thread() -> Iterator[None]:
    """As the runner does: more threads only slow small matrices down."""
    import scipy.linalg  # noqa: F401 - only loaded libraries are limited

    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def data_dir() -> str:
    """The folder with the real data sets; skips the test where there is none."""
    named = os.environ.get("UNTUNABLE_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no data folder: {folder} is missing and UNTUNABLE_DATA is not set")
    return str(folder)


@pytest.fixture(scope="session")
def curve_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of made-up learning curves, with the surrogates fitted to them; not to be changed.

    Beside it lie the rows that it was made from, with the suffix ``.jsonl``.
    """
    from benchmarks.recorder import raw_rows  # these are slow to import
    from support import curves

    source = curves.record(tmp_path_factory.mktemp("curves") / "made_up.jsonl")
    raw_rows.append(source, curves.row(curves.BROKEN, ends=3))
    return curves.compact(source, "a stand-in")


@pytest.fixture(scope="session")
def sensit_dir(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with a file of SensIT Vehicle's format: 98,528 x 100, two overlapping clouds.

    The real file is not to be had without internet; its content is not pinned, so live SVMs can
    be trained on this one on any machine.
    """
    folder = tmp_path_factory.mktemp("sensit")
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 98528)
    X = rng.standard_normal((98528, 100), dtype=np.float32)
    X[:, :3] += y[:, None]
    np.savez(folder / "vehicle_sensit.npz", X=X, y=y)
    return str(folder)
