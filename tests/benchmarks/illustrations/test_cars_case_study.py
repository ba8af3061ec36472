from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

from benchmarks.compose import compose
from benchmarks.illustrations.cars_case_study import (
    baseline_and_tuned,
    class_names,
    photos_if_any,
    to_show,
    write_classes,
    write_photos,
    write_recorded,
)
from support import photos
from tasks.cars.photos import load_photos
from tasks.replay import table as tables
from tasks.replay.curves import CURVES


def test_the_tuned_config_is_the_recorded_one_with_the_lowest_mean_error(tmp_path: Path) -> None:
    start = compose("config", ["task=cars_head"])["task"]["baseline"]
    rows = pd.read_csv(write_recorded("cars_head", start, tmp_path / "recorded.csv"))
    assert set(rows.config) == {"baseline", "tuned"}
    assert rows.notna().all(axis=None)
    table = tables.read(tables.path_of("cars_head"), CURVES)
    columns = table.columns
    kept = pd.DataFrame(columns["config"]).assign(loss=columns["loss"][:, -1])
    lowest = kept[~columns["held_out"]].groupby(list(range(7))).loss.mean().min()
    assert abs(rows[rows.config == "tuned"].loss.mean() - lowest) < 1e-5
    tuned = baseline_and_tuned(table, start)["tuned"]
    assert rows[rows.config == "tuned"].learning_rate.iloc[0] == tuned["learning_rate"]


def test_shown_are_photos_that_only_the_tuned_config_gets_right_one_a_class() -> None:
    labels = np.repeat(np.arange(20), 3)
    shown = to_show(labels, np.full(60, 5), labels)
    assert shown.sum() == 12
    assert len(set(labels[shown])) == 12
    assert 5 not in labels[shown]
    assert not to_show(labels, labels, labels).any()


def test_photos_marked_as_shown_are_written_under_the_name_given(tmp_path: Path) -> None:
    photos.folder(tmp_path, photos_per_class=4, classes=2)
    loaded = load_photos(str(tmp_path))
    predictions = tmp_path / "predictions.csv"
    predictions.write_text(
        "file,label,baseline,tuned,training_seed,shown,jpeg\n"
        "test/00001.jpg,0,1,0,0,0,test-00001.jpg\ntest/00002.jpg,0,1,0,0,1,test-00002.jpg\n"
    )
    (path,) = write_photos(loaded, predictions, tmp_path / "shown")
    assert path == tmp_path / "shown" / "test-00002.jpg"
    assert list(path.parent.iterdir()) == [path]
    from PIL import Image

    number = loaded.names.index("test/00002.jpg")
    near = np.asarray(Image.open(path), float) - np.asarray(loaded.image(number), float)
    assert np.abs(near).mean() < 10  # one more JPEG of the same photo


def test_class_names_are_those_of_the_datas_folder(tmp_path: Path) -> None:
    assert class_names(None) == class_names(tmp_path) == []
    (tmp_path / "stanford_cars" / "devkit").mkdir(parents=True)
    meta = tmp_path / "stanford_cars" / "devkit" / "cars_meta.mat"
    savemat(meta, {"class_names": np.array(["A, long", "B"], dtype=object)})
    assert class_names(tmp_path) == ["A, long", "B"]
    (tmp_path / "stanford_cars_class_names.txt").write_text("C\nD\n")
    assert class_names(tmp_path) == ["C", "D"]
    written = pd.read_csv(write_classes(["A, long", "B"], tmp_path / "classes.csv"))
    assert written.to_dict("list") == {"class": [0, 1], "name": ["A, long", "B"]}


def test_no_photos_are_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNTUNABLE_DATA", raising=False)
    assert photos_if_any(str(tmp_path)) is None
