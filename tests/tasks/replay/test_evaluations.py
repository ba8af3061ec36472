from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.core.space import Config, Float, Space
from benchmarks.core.trial import Observation
from tasks.replay import table
from tasks.replay.evaluations import RecordedTask

SPACE = Space({"log_c": Float(-10.0, 10.0), "log_gamma": Float(-10.0, 10.0)})
GRID = list(itertools.product([-10.0, -3.0, 2.0, 10.0], [-10.0, 0.0, 4.0, 10.0]))
SHARES = [1 / 64, 1 / 8, 1.0]
FLOOR = 1 / 422  # 211 validation rows, as Statlog


@dataclasses.dataclass(frozen=True)
class Row:
    config: tuple[float, ...]
    fidelity: float
    subset_seed: int
    loss: float
    cost: float
    test_loss: float
    held_out: bool = False


def full_rows(seeds: Sequence[int] = (0,), shares: Sequence[float] = SHARES) -> list[Row]:
    """Losses are k / 211 (no short decimals), and of seed r ten times those of seed r - 1."""
    rng, rows = np.random.default_rng(3), []
    for share, (number, config) in itertools.product(shares, enumerate(GRID)):
        for r in seeds:
            wrong = 1 + int(rng.integers(5)) + number % 3
            loss = wrong * 10.0**r / 21100
            cost = round(float(rng.lognormal(2, 2)) * share * 10 + 0.001, 6)
            rows.append(Row(config, share, r, loss, cost, loss + 1 / 212))
    return rows


def write(path: Path, rows: Sequence[Row], **meta: Any) -> Path:
    names = {f.name for f in dataclasses.fields(Row)}
    columns = {name: np.array([getattr(row, name) for row in rows]) for name in names}
    facts = {
        "space": SPACE.spec(),
        "identity": {"data": "made up", "backend": "sklearnex", "scale": "none", "train_rows": 640},
        "fidelity_low": 1 / 64,
        "fidelity_full": 640,
        "fidelity_unit": "training rows",
        "loss_floor": 1e-6,
        "target_cost": 7.5,
        **meta,
    }
    extra = {"wall": columns["cost"], "marked": np.zeros(len(rows), bool)}
    table.write(path, facts, {**columns, **extra})
    return path


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., RecordedTask]:
    def build(rows: Sequence[Row], asked: Mapping[str, Any] | None = None, **meta: Any) -> Any:
        return RecordedTask(str(write(tmp_path / "made_up.npz", rows, **meta)), asked)

    return build


@pytest.fixture(scope="module")
def two_seeds(tmp_path_factory: pytest.TempPathFactory) -> RecordedTask:
    path = tmp_path_factory.mktemp("tables") / "two.npz"
    return RecordedTask(str(write(path, full_rows((0, 1)))))


def config_of(point: Sequence[float]) -> Config:
    return dict(zip(SPACE.names, map(float, point), strict=True))


def of_seed(task: RecordedTask, point: Sequence[float], share: float, r: int) -> Observation:
    """Draw until subset seed ``r`` comes."""
    for draw in range(200):
        seen = task.evaluate(config_of(point), share, np.random.default_rng(draw))
        if seen.info["subset_seed"] == r:
            return seen
    raise AssertionError(f"subset seed {r} never came")


def test_every_recorded_value_comes_back_exactly(build: Callable[..., RecordedTask]) -> None:
    rows = full_rows((0, 1, 2))
    task = build(rows)
    for row in rows:
        seen = of_seed(task, row.config, row.fidelity, row.subset_seed)
        assert (seen.loss, seen.cost, seen.test_loss) == (row.loss, row.cost, row.test_loss)
        assert seen.status == "ok"


def test_sparse_dear_levels_come_back_exactly_and_lean_on_the_cheaper_ones(
    build: Callable[..., RecordedTask],
) -> None:
    rows = full_rows()
    cheap = {row.config: row for row in rows if row.fidelity == 1 / 8}
    dear = {g for i, g in enumerate(GRID) if i in (0, 3, 5, 12, 15)}
    kept = [row for row in rows if row.fidelity < 1 or row.config in dear]
    # the dear losses are a third of the cheaper ones: a constant difference of logarithms
    kept = [
        dataclasses.replace(row, loss=cheap[row.config].loss / 3) if row.fidelity == 1 else row
        for row in kept
    ]
    task = build(kept)
    for row in kept:
        assert of_seed(task, row.config, row.fidelity, 0).loss == row.loss
    for config in set(GRID) - dear:
        expected = cheap[config].loss / 3
        assert task.truth(config_of(config)).loss == pytest.approx(expected, abs=1e-11)


@settings(max_examples=60)
@given(st.floats(-10, 10), st.floats(-10, 10), st.floats(1 / 64, 1), st.integers(0, 1000))
def test_an_evaluation_lies_on_one_seeds_surface_never_between_two(
    two_seeds: RecordedTask, log_c: float, log_gamma: float, share: float, draw: int
) -> None:
    """Seed 0's losses are all below 0.0004, seed 1's all above."""
    seen = two_seeds.evaluate(config_of((log_c, log_gamma)), share, np.random.default_rng(draw))
    own = [row for row in full_rows((0, 1)) if row.subset_seed == seen.info["subset_seed"]]
    losses, costs = [row.loss for row in own], [row.cost for row in own]
    assert min(losses) - 1e-11 <= seen.loss <= max(losses) + 1e-11
    assert min(costs) - 1e-11 <= seen.cost <= max(costs) + 1e-11
    of_same_seed = of_seed(two_seeds, (log_c, log_gamma), share, int(seen.info["subset_seed"]))
    assert of_same_seed == seen  # all of the randomness is which seed was drawn


def test_both_seeds_are_drawn_and_their_losses_never_mix(two_seeds: RecordedTask) -> None:
    drawn = {
        two_seeds.evaluate(config_of((0, 0)), 0.3, np.random.default_rng(i)).info["subset_seed"]
        for i in range(30)
    }
    assert drawn == {0, 1}
    low, high = (of_seed(two_seeds, (0, 0), 0.3, r).loss for r in (0, 1))
    assert high / low > 3


def test_between_fidelities_log_loss_and_log_cost_are_linear_in_the_log_share(
    build: Callable[..., RecordedTask],
) -> None:
    rows = full_rows()
    task = build(rows)
    for config in GRID:
        at = {row.fidelity: row for row in rows if row.config == config}
        for low, high in itertools.pairwise(SHARES):
            t = 0.3
            share = low ** (1 - t) * high**t
            seen = of_seed(task, config, share, 0)
            for name in ("loss", "cost", "test_loss"):
                ends = getattr(at[low], name), getattr(at[high], name)
                expected = ends[0] ** (1 - t) * ends[1] ** t
                assert getattr(seen, name) == pytest.approx(expected, rel=1e-7)


def test_between_configs_of_an_edge_log_loss_is_linear(
    build: Callable[..., RecordedTask],
) -> None:
    rows = full_rows()
    task = build(rows)
    at = {row.config: row.loss for row in rows if row.fidelity == 1}
    for edge in (-10.0, 10.0):
        middle = task.truth(config_of((-6.5, edge))).loss
        expected = math.sqrt(at[-10.0, edge] * at[-3.0, edge])
        assert middle == pytest.approx(expected, abs=1e-11)


def test_truth_is_the_mean_over_the_seeds_at_the_target(two_seeds: RecordedTask) -> None:
    for point in [(0.0, 0.0), (-10.0, 10.0), (9.9, -3.3), (2.0, 4.0)]:
        seen = [of_seed(two_seeds, point, 1.0, r) for r in (0, 1)]
        truth = two_seeds.truth(config_of(point))
        assert truth.loss == pytest.approx(np.mean([s.loss for s in seen]), abs=1e-15)
        assert truth.test_loss == pytest.approx(np.mean([s.test_loss for s in seen]), abs=1e-15)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("seed", [0, 1])
def test_no_config_is_better_than_the_best_known_loss_and_one_reaches_it(
    count: int, seed: int, build: Callable[..., RecordedTask]
) -> None:
    rng = np.random.default_rng(seed)
    rows = [
        dataclasses.replace(row, loss=float(rng.uniform(0.01, 0.9)))
        for row in full_rows(range(count))
    ]
    task = build(rows)
    assert task.best_loss is not None
    axis = sorted({*np.linspace(-10, 10, 61), *(x for point in GRID for x in point)})
    dense = [task.truth(config_of(p)).loss for p in itertools.product(axis, axis)]
    assert task.best_loss <= min(filter(None, dense))
    assert task.best_loss == pytest.approx(min(filter(None, dense)), rel=0.01)


def test_a_config_not_recorded_at_the_target_may_be_the_best_known(
    build: Callable[..., RecordedTask],
) -> None:
    """Its truth is interpolated, and regret must not be negative there."""
    rows = [dataclasses.replace(row, loss=0.5) for row in full_rows()]
    special = GRID[5]
    rows = [
        dataclasses.replace(row, loss=0.1) if row.config == special else row
        for row in rows
        if row.config != special or row.fidelity < 1
    ]
    task = build(rows)
    truth = task.truth(config_of(special)).loss
    assert truth == pytest.approx(0.1)
    assert task.best_loss is not None
    assert 0 <= truth - task.best_loss < 1e-11


def test_held_out_rows_change_nothing(build: Callable[..., RecordedTask], tmp_path: Path) -> None:
    rows = full_rows()
    plain = build(rows)
    held = Row((1.0, 1.0), 1.0, 0, 1e-5, 1e6, 1e-5, held_out=True)
    other = RecordedTask(str(write(tmp_path / "held.npz", [*rows, held])))
    assert other.best_loss == plain.best_loss
    assert other.truth(config_of((1, 1))) == plain.truth(config_of((1, 1)))


def test_failed_rows_are_not_replayed(build: Callable[..., RecordedTask]) -> None:
    rows = full_rows()
    failed = Row((1.0, 1.0), 1.0, 0, math.nan, 1e6, math.nan)
    truth = build(rows).truth(config_of((1, 1)))
    assert build([*rows, failed]).truth(config_of((1, 1))) == truth


def test_a_seed_is_only_drawn_where_it_was_recorded_on_both_sides(
    build: Callable[..., RecordedTask],
) -> None:
    rows = full_rows((0,)) + [
        row
        for row in full_rows((0, 1, 2))
        if (row.subset_seed, row.fidelity) in ((1, 1), (2, 1))
        or (row.subset_seed == 2 and row.fidelity == 1 / 8)
    ]
    task = build(rows)

    def drawn(share: float) -> set[int]:
        rng = np.random.default_rng(0)
        return {task.evaluate(config_of((0, 0)), share, rng).info["subset_seed"] for _ in range(60)}

    assert drawn(1 / 64) == drawn(1 / 20) == {0}
    assert drawn(1 / 8) == drawn(0.5) == {0, 2}
    assert drawn(1.0) == {0, 1, 2}


def test_no_fidelity_below_the_lowest_recorded_one_is_offered(
    build: Callable[..., RecordedTask],
) -> None:
    task = build(full_rows(shares=[1 / 8, 1]), fidelity_low=0.01)
    assert task.fidelities.low == 1 / 8
    with pytest.raises(ValueError, match=r"allowed is \[0\.125, 1\]"):
        task.evaluate(config_of((0, 0)), 0.1, np.random.default_rng(0))


def test_a_loss_of_zero_comes_back_as_half_a_validation_row(
    build: Callable[..., RecordedTask],
) -> None:
    rows = [dataclasses.replace(row, loss=0.0) for row in full_rows()]
    task = build(rows, loss_floor=FLOOR)
    assert of_seed(task, GRID[4], 1.0, 0).loss == FLOOR
    assert task.best_loss == pytest.approx(FLOOR, abs=1e-11)


def test_a_test_loss_that_was_not_measured_is_none(build: Callable[..., RecordedTask]) -> None:
    task = build([dataclasses.replace(row, test_loss=math.nan) for row in full_rows()])
    assert of_seed(task, (1, 1), 0.5, 0).test_loss is None
    assert task.truth(config_of((1, 1))).test_loss is None


def test_configs_outside_the_space_are_refused(two_seeds: RecordedTask) -> None:
    with pytest.raises(ValueError, match="log_c"):
        two_seeds.evaluate({"log_c": 11.0, "log_gamma": 0.0}, 1.0, np.random.default_rng(0))


def test_the_same_table_and_rng_give_the_same_evaluation(tmp_path: Path) -> None:
    path = str(write(tmp_path / "t.npz", full_rows((0, 1, 2))))
    one, other = RecordedTask(path), RecordedTask(path)
    for i in range(50):
        config = one.space.sample(np.random.default_rng(i))
        seen = [t.evaluate(config, 0.2, np.random.default_rng(i)) for t in (one, other)]
        assert seen[0] == seen[1]


def test_identity_holds_the_tables_hash(build: Callable[..., RecordedTask]) -> None:
    one, other = build(full_rows()).identity, build(full_rows((0, 1))).identity
    assert one["table"] != other["table"]
    assert one["backend"] == "sklearnex"


@pytest.mark.parametrize(
    "asked", [{"backend": "sklearn"}, {"train_rows": 100}, {"scale": "minmax"}, {"test": True}]
)
def test_options_that_were_not_recorded_are_refused(
    asked: dict[str, Any], build: Callable[..., RecordedTask]
) -> None:
    with pytest.raises(ValueError, match=f"^task.{next(iter(asked))}=.*task.source=live$"):
        build(full_rows(), asked)


def test_options_as_recorded_are_fine(build: Callable[..., RecordedTask]) -> None:
    asked = {"backend": "sklearnex", "train_rows": 640, "scale": None, "test": False}
    assert build(full_rows(), asked).target_cost == 7.5


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (full_rows(shares=[1 / 64, 1 / 8]), "no evaluation at the target"),
        ([dataclasses.replace(row, loss=math.nan) for row in full_rows()], "no successful"),
        (
            [r for r in full_rows((0, 1)) if (r.fidelity == 1) == (r.subset_seed == 1)],
            "no subset seed is recorded at both 0.125 and 1.0",
        ),
    ],
    ids=["no target", "all failed", "no seed spans"],
)
def test_a_recording_that_cannot_be_replayed_is_refused(
    rows: list[Row], says: str, build: Callable[..., RecordedTask]
) -> None:
    with pytest.raises(table.TableError, match=says):
        build(rows)


# table, log_c, log_gamma, fidelity, subset seed: loss, cost, test loss, and the true loss
FROZEN = """
svm_mnist 2.502 7.944 0.0625 1 0.8936 5.95024188526 0.8865 0.893214542431
svm_mnist -5.496 -3.997 0.4557 0 0.143683265428 42.107241620233 0.147130865353 0.10912626072
svm_mnist -9.895 6.425 0.00390625 2 0.8936 0.426853460688 0.8865 0.898919777941
svm_mnist -0.641 -3.939 0.0113 2 0.108387549703 0.87616046385 0.112739314598 0.020834015283
svm_mnist -10.0 0.091 0.0078125 1 0.8936 0.826466140976 0.8865 0.895306706253
svm_mnist 10.0 -10.0 0.0956 1 0.089154525532 2.108076009163 0.087476074022 0.0552
svm_covertype 2.502 7.944 0.0625 2 0.451541796258 4.336300614325 0.450590652733 0.332376306589
svm_covertype -5.496 -3.997 0.4544 0 0.493969128285 21.957983740208 0.493843798682 0.492236398046
svm_covertype -9.895 6.425 0.00390625 2 0.512413962635 0.120914845427 0.512407356574 0.581972185808
svm_covertype -0.641 -3.939 0.0111 2 0.476793352718 0.228452160624 0.47734576561 0.299350751706
svm_covertype -10.0 0.091 0.0078125 1 0.512413962635 0.161640654711 0.512407356574 0.513412371454
svm_covertype 10.0 -10.0 0.0947 1 0.278262181327 2.198926377194 0.28648474947 0.27101769911504425
"""


@pytest.mark.parametrize("line", FROZEN.split("\n")[1:-1])
def test_shipped_tables_replay_what_the_first_version_did(line: str) -> None:
    """Values of version 1, which triangulated by itself (commit 118d94a)."""
    name, *numbers = line.split()
    log_c, log_gamma, share, seed, *expected = map(float, numbers)
    task, config = shipped(name), config_of((log_c, log_gamma))
    seen = task.replay(config, share, int(seed))
    found = (seen.loss, seen.cost, seen.test_loss, task.truth(config).loss)
    assert found == pytest.approx(tuple(expected), rel=0, abs=1e-12)


@functools.cache
def shipped(name: str) -> RecordedTask:
    return RecordedTask(name)


def test_more_than_three_dimensions_are_refused(tmp_path: Path) -> None:
    """A triangulation of 200 points in seven dimensions takes seconds, and so does each look-up."""
    space = Space({name: Float(0.0, 1.0) for name in "abcd"})
    rows = [Row((x, x, x, x), 1.0, 0, 0.1, 1.0, 0.1) for x in (0.0, 0.5, 1.0)]
    path = write(tmp_path / "four.npz", rows, space=space.spec())
    with pytest.raises(table.TableError, match=r"3 dimensions at most, this space has 4$"):
        RecordedTask(str(path))
