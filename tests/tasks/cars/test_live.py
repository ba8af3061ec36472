from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.components import build_task
from benchmarks.compose import compose
from benchmarks.core.space import Categorical, Float, Integer, PowerOfTwo, Space
from benchmarks.illustrations.cars_case_study import SEED, write_predictions
from benchmarks.settings import ConfigError
from support import photos
from tasks.cars.live import Cars
from tasks.cars.photos import load_photos

CARS = ("resnet50_cars", "resnet18_cars")


def settings(name: str, *overrides: str) -> dict[str, Any]:
    found: dict[str, Any] = compose("config", [f"task={name}", *overrides])["task"]
    return found


@pytest.mark.parametrize("name", [*CARS, "cars_head", "cars_scratch32"])
def test_the_space_is_that_of_slide_27(name: str) -> None:
    space = Space.from_spec(settings(name)["space"])
    assert space.parameters == {
        "learning_rate": Float(1.2e-4, 1.0, log=True),
        "scheduler_factor": Float(0.0, 0.99),
        "scheduler_patience": Integer(1, 20),
        "batch_size": PowerOfTwo(16, 256),
        "nesterov": Categorical((True, False)),
        "weight_decay": Float(1.2e-5, 1.0, log=True),
        "momentum": Float(0.0, 0.9),
    }


@pytest.mark.parametrize(("name", "rate"), [("resnet50_cars", -1), ("resnet18_cars", -3)])
def test_the_baseline_is_the_example_of_the_talks_own_readme(name: str, rate: float) -> None:
    found = settings(name)
    Space.from_spec(found["space"]).check(found["baseline"])
    assert found["baseline"]["learning_rate"] == math.exp(rate)
    assert found["baseline"]["weight_decay"] == math.exp(-3)
    assert found["baseline"]["nesterov"] is (name == "resnet50_cars")
    assert found["epochs"] == 35


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Made-up photos of 4 classes: 10 training and 10 test photos each."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("photos")
    photos.packed(folder / "stanford_cars_32px.npz", photos_per_class=20, classes=4, px=32)
    return str(folder)


def small(folder: str, *, name: str = "resnet18_cars", **options: Any) -> Cars:
    chosen = {"data_dir": folder, "image_size": 32, "weights": "random", "device": "cpu"}
    task = build_task(settings(name) | chosen | options, [])
    assert isinstance(task, Cars)
    return task


@pytest.fixture(scope="module")
def task(folder: str) -> Iterator[Cars]:
    task = small(folder)
    yield task
    task.close()


def good(task: Cars, **changed: Any) -> dict[str, Any]:
    """A config that learns in a few epochs."""
    found = {"learning_rate": 0.02, "batch_size": 16, "weight_decay": 1e-4, "momentum": 0.5}
    return dict(task.baseline or {}) | found | changed


def test_the_facts_of_a_task(task: Cars) -> None:
    assert task.fidelities.native(1.0) == 35
    assert task.fidelities.values == tuple(epoch / 35 for epoch in range(1, 36))
    counts = ("training photos", "validation photos", "test photos", "classes")
    assert [task.sizes[name] for name in counts] == [32, 8, 40, 4]
    assert task.loss_floor == 1 / 16
    assert task.identity["weights"] == "random"
    assert str(task.identity["data"]).startswith("photos ")


def test_fine_tuning_learns_and_says_what_it_cost(task: Cars) -> None:
    observation = task.evaluate(good(task), 6 / 35, np.random.default_rng(0))
    assert observation.status == "ok"
    assert observation.loss < 0.75  # chance
    assert observation.test_loss is not None
    assert 0 < observation.cost <= observation.info["wall"] + 0.1
    again = task.evaluate(good(task), 6 / 35, np.random.default_rng(0))
    assert (again.loss, again.test_loss) == (observation.loss, observation.test_loss)


def test_the_recorder_gets_the_whole_curve(task: Cars) -> None:
    observation = task.evaluate_replicate(good(task), 3 / 35, 1)
    curve = observation.info["curve"]
    assert {len(values) for values in curve.values()} == {3}
    assert (curve["loss"][-1], curve["test_loss"][-1]) == (observation.loss, observation.test_loss)
    assert curve["cost"][-1] == observation.cost
    assert task.evaluate_replicate(good(task), 1 / 35, 1).loss == curve["loss"][0]


def test_two_configs_predictions_are_written_a_row_a_photo(
    task: Cars, folder: str, tmp_path: Path
) -> None:
    shown = load_photos(folder)
    idle = {"learning_rate": 1.2e-4, "batch_size": 256, "momentum": 0.0, "nesterov": False}
    configs = {"baseline": good(task, **idle), "tuned": good(task)}
    rows = pd.read_csv(write_predictions(task, configs, tmp_path / "predictions.csv", shown))
    assert rows.file.tolist() == list(range(40, 80))  # these photos have no official names
    assert rows.jpeg[0] == "40.jpg"
    assert rows.label.tolist() == shown.labels[40:].tolist()
    same = task.evaluate_replicate(configs["tuned"], 1.0, SEED)
    assert same.test_loss == pytest.approx((rows.tuned != rows.label).mean(), abs=1e-12)
    gained = (rows.tuned == rows.label) & (rows.baseline != rows.label)
    assert 0 < rows.shown.sum() == rows[gained].label.nunique()
    assert gained[rows.shown == 1].all()


def test_photos_of_other_labels_are_refused(task: Cars, folder: str, tmp_path: Path) -> None:
    shown = load_photos(folder)
    other = replace(shown, labels=(shown.labels + 1) % 4)
    with pytest.raises(ValueError, match="labels of the photos differ"):
        write_predictions(task, {"tuned": good(task)}, tmp_path / "p.csv", other)


def test_predictions_of_a_config_outside_the_space_are_refused(task: Cars) -> None:
    with pytest.raises(ValueError, match="learning_rate"):
        task.predictions(good(task, learning_rate=7.0), 0)


def test_a_diverged_training_is_charged_what_it_took(folder: str) -> None:
    """The space ends at rates that a network this small survives; a wider one shows it."""
    space = settings("resnet18_cars")["space"]
    wider = space | {"learning_rate": {"kind": "float", "low": 1e-4, "high": 1e30, "log": True}}
    task = small(folder, space=wider)
    observation = task.evaluate(good(task, learning_rate=1e25), 1.0, np.random.default_rng(0))
    task.close()
    assert observation.status == "diverged"
    assert math.isnan(observation.loss)
    assert observation.cost > 0
    assert "in epoch" in observation.info["error"]


@pytest.mark.parametrize("cached", [True, False])
def test_the_last_layer_alone(
    cached: bool, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    task = small(folder, name="resnet50_cars", backbone="resnet18", cache_features=cached)
    first, second = (task.evaluate(good(task), 2 / 35, np.random.default_rng(0)) for _ in range(2))
    task.close()
    assert first.status == "ok"
    assert first.loss == second.loss
    assert ("feature_seconds" in first.info) is cached  # said once, not charged
    assert "feature_seconds" not in second.info
    assert (tmp_path / "untunable").exists() is cached


def test_features_of_the_data_folder_are_used_if_asked_for(folder: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    label, is_test = np.arange(80) % 4, np.arange(80) >= 40
    feat = (rng.standard_normal((4, 8))[label] + 0.3 * rng.standard_normal((80, 8))).astype("f2")
    path = tmp_path / "stanford_cars_resnet50_features.npz"
    np.savez(path, feat=feat, label=label, is_test=is_test)
    task = small(
        str(tmp_path), name="resnet50_cars", features="auto", image_size=224, weights="auto"
    )
    observation = task.evaluate(good(task, learning_rate=0.3), 1.0, np.random.default_rng(0))
    task.close()
    assert str(task.identity["data"]).startswith("features ")
    assert observation.loss < 0.3


def test_resuming_is_the_same_training_for_the_difference(folder: str, tmp_path: Path) -> None:
    task = small(folder, resume_training=True, checkpoint_dir=str(tmp_path))
    assert task.fidelities.resumable
    config = good(task)
    whole = task.evaluate(config, 5 / 35, np.random.default_rng(7))
    part = task.evaluate(config, 2 / 35, np.random.default_rng(7))
    rest = task.resume(config, 2 / 35, 5 / 35, np.random.default_rng(7))
    assert rest.loss == whole.loss
    assert rest.test_loss == whole.test_loss
    assert rest.info["continued_from"] == 2
    assert rest.info["restart_cost"] == pytest.approx(part.cost + rest.cost)
    assert rest.cost < rest.info["restart_cost"]
    again = small(folder, resume_training=True, checkpoint_dir=str(tmp_path))  # another process
    same = again.resume(config, 2 / 35, 5 / 35, np.random.default_rng(7))
    again.close()
    assert (same.loss, same.info["continued_from"]) == (whole.loss, 2)
    for checkpoint in tmp_path.glob("*.pt"):
        checkpoint.write_bytes(b"damaged")
    lost = task.resume(config, 2 / 35, 5 / 35, np.random.default_rng(7))
    task.close()
    assert lost.info["continued_from"] == 0  # trained and charged from the start
    assert lost.cost == lost.info["restart_cost"]
    assert lost.loss == whole.loss


def test_a_checkpoint_that_cannot_be_written_costs_no_training(folder: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    task = small(folder, resume_training=True, checkpoint_dir=str(tmp_path / "file" / "x"))
    observation = task.evaluate(good(task), 1 / 35, np.random.default_rng(0))
    task.close()
    assert observation.status == "ok"
    assert "NotADirectoryError" in observation.info["checkpoint_error"]


def test_too_few_photos_to_split_are_refused_in_one_line(folder: str, tmp_path: Path) -> None:
    photos.packed(tmp_path / "stanford_cars_16px.npz", photos_per_class=2, classes=2)
    with pytest.raises(ConfigError, match=r"too few per class to split$"):
        small(str(tmp_path))


def test_features_of_another_backbone_are_not_taken_from_the_cache(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for backbone in ("resnet18", "resnet50"):
        task = small(folder, name="resnet50_cars", backbone=backbone)
        observation = task.evaluate(good(task), 1 / 35, np.random.default_rng(0))
        task.close()
        assert observation.status == "ok"


def test_the_talks_protocol_has_no_test_photos_and_its_own_split(folder: str) -> None:
    task = small(folder, protocol="talk")
    assert (task.sizes["training photos"], task.sizes["validation photos"]) == (64, 16)
    assert task.sizes["test photos"] == 0
    observation = task.evaluate(good(task), 1 / 35, np.random.default_rng(0))
    task.close()
    assert observation.test_loss is None


def test_the_talks_three_tasks_have_nominal_costs(folder: str) -> None:
    task = small(folder, fidelity="multitask")
    task.close()
    assert task.fidelities.values == (4 / 35, 18 / 35, 1.0)
    assert [task.fidelities.nominal_cost(s) for s in task.fidelities.values] == [0.1, 0.5, 1.0]


def test_an_evaluation_over_the_limit_is_killed_and_charged_the_limit(folder: str) -> None:
    task = small(folder, time_limit=0.05)
    observation = task.evaluate(good(task), 1.0, np.random.default_rng(0))
    task.close()
    assert (observation.status, observation.cost) == ("timeout", 0.05)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backbone": "resnet19"}, "task.backbone=resnet19: .*did you mean 'resnet18'"),
        ({"train": "heads"}, "task.train=heads: .*did you mean 'head'"),
        ({"protocol": "tall"}, "task.protocol=tall: .*did you mean 'talk'"),
        ({"precision": "half"}, "task.precision=half: allowed are float32, bfloat16"),
        ({"fidelity": "epoch"}, "task.fidelity=epoch: .*did you mean 'epochs'"),
        (
            {"fidelity": "multitask", "epochs": 10},
            "task.epochs=10: .*multitask needs 35",
        ),
        ({"cache_features": "no"}, "task.cache_features=no: allowed are true, false"),
        ({"resume_training": 1}, "task.resume_training=1: allowed are true, false"),
        ({"weights": None}, "task.weights=None: allowed are auto"),
        ({"features": "some.npz"}, "task.features=some.npz: needs task.train=head"),
        ({"train": "head", "weights": "auto"}, "task.image_size=32: ImageNet weights are for 224"),
        ({"epochs": 0}, "task.epochs=0: must be a whole number"),
        ({"time_limit": 0}, "task.time_limit=0: must be positive"),
        ({"device": "cuda"}, "task.device=cuda: torch finds no GPU"),
        ({"data_dir": "/nowhere"}, "/nowhere"),
        ({"weights": "/nowhere"}, "task.weights: no file /nowhere"),
    ],
)
def test_bad_options_are_refused_in_one_line(
    options: dict[str, Any], message: str, folder: str
) -> None:
    import torch

    if options.get("device") == "cuda" and torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(ValueError, match=f"^[^\n]*{message}[^\n]*$"):
        small(folder, **options)


def test_without_photos_the_error_names_the_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    monkeypatch.delenv("UNTUNABLE_DATA", raising=False)
    with pytest.raises(ConfigError, match=r"task.data_dir.*task.hub_id"):
        build_task(settings("resnet18_cars"), [])
