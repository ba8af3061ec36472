from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.core.space import Float, Space
from tasks.replay import table

META: dict[str, Any] = {
    "space": Space({"x": Float(0, 1)}).spec(),
    "identity": {"data": "made up"},
    "target_cost": 3,
}


def columns(rows: int = 5) -> dict[str, NDArray[Any]]:
    rng = np.random.default_rng(0)
    return {
        "config": rng.random((rows, 1)),
        "fidelity": rng.random(rows),
        "subset_seed": np.arange(rows),
        "held_out": rng.random(rows) < 0.5,
        "loss": np.append(rng.random(rows - 1), np.nan),
        "test_loss": rng.random(rows),
        "cost": rng.random(rows) * 1000,
        "wall": rng.random(rows).astype("<f4"),
        "marked": rng.random(rows) < 0.5,
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    table.write(tmp_path / "made_up.npz", META, columns())
    return tmp_path / "made_up.npz"


def refusal(path: Path) -> str:
    with pytest.raises(table.TableError) as error:
        table.read(path)
    text = str(error.value)
    assert "\n" not in text
    assert str(path) in text
    return text


def rewrite(path: Path, **changed: Any) -> None:
    """Replace arrays of the file, leaving its checksum as it is."""
    with np.load(path) as stored:
        arrays = {key: stored[key] for key in stored.files}
    np.savez(path, **{**arrays, **changed})


def rewrite_meta(path: Path, **changed: Any) -> None:
    with np.load(path) as stored:
        meta = json.loads(str(stored["meta"]))
    rewrite(path, meta=np.array(json.dumps({**meta, **changed})))


def test_what_was_written_is_read_back_exactly(path: Path) -> None:
    read = table.read(path)
    assert {key: read.meta[key] for key in META} == META
    assert set(read.columns) == set(table.EVALUATIONS.columns)
    for name, column in columns().items():
        np.testing.assert_array_equal(read.columns[name], column)
        assert read.columns[name].dtype == np.dtype(table.EVALUATIONS.columns[name])


def test_the_same_content_gives_the_same_bytes_and_another_content_another_hash(
    path: Path, tmp_path: Path
) -> None:
    again = table.write(tmp_path / "again.npz", META, columns())
    assert (tmp_path / "again.npz").read_bytes() == path.read_bytes()
    assert again.sha256 == table.read(path).sha256
    other = table.write(tmp_path / "other.npz", {**META, "target_cost": 4}, columns())
    assert other.sha256 != again.sha256


def test_a_truncated_file_is_refused_wherever_it_is_cut(path: Path) -> None:
    whole = path.read_bytes()
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        refusal(path)


def test_no_byte_can_be_changed_unnoticed(path: Path) -> None:
    """Either the file is refused, or what is read is what was written."""
    whole, meta = path.read_bytes(), dict(table.read(path).meta)
    refused = 0
    for at in range(0, len(whole), 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            read = table.read(path)
        except table.TableError:
            refused += 1
            continue
        assert read.meta == meta
        for name, column in columns().items():
            np.testing.assert_array_equal(read.columns[name], column)
    assert refused > len(whole) / 7 / 4


def test_tampered_columns_are_refused(path: Path) -> None:
    rewrite(path, loss=np.zeros(5))
    assert "checksum" in refusal(path)


def test_tampered_meta_is_refused(path: Path) -> None:
    rewrite_meta(path, target_cost=0.1)
    assert "checksum" in refusal(path)


def test_a_newer_format_is_refused_by_number(path: Path) -> None:
    rewrite_meta(path, format=table.EVALUATIONS.format + 1)
    text = refusal(path)
    assert f"format {table.EVALUATIONS.format + 1}" in text
    assert f"reads {table.EVALUATIONS.format}" in text


def test_an_older_format_is_read_without_the_columns_that_it_lacks(tmp_path: Path) -> None:
    first = table.Kind("made up", 1, {"x": "<f8"})
    now = table.Kind("made up", 3, {"x": "<f8", "y": "<i2"}, older={1: {"y"}})
    path = tmp_path / "t.npz"
    table.write(path, {}, {"x": np.ones(3)}, first)
    assert table.read(path, now).columns.keys() == {"x"}
    table.write(path, {}, {"x": np.ones(3), "y": np.zeros(3)}, now)
    assert table.read(path, now).columns.keys() == {"x", "y"}
    with pytest.raises(table.TableError, match=r"t.npz has table format 3, this version reads 1$"):
        table.read(path, first)
    second = table.Kind("made up", 2, {"x": "<f8", "y": "<i2"}, older={1: {"y"}})
    with pytest.raises(table.TableError, match=r"format 3, this version reads 1 and 2$"):
        table.read(path, second)


def npy(array: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"loss,cost\n1,2\n",
        npy(np.zeros(3)),
        npz(X=np.zeros(3)),
        npz(meta=np.array("not JSON")),
        npz(meta=np.array("[1]")),
        npz(meta=np.array('{"format": 2}')),
        npz(meta=np.array('{"format": 2, "sha256": "0"}')),
        npz(meta=np.array([{"pickled": 1}], dtype=object)),
    ],
    ids=["csv", "npy", "foreign", "text", "list", "no hash", "no columns", "pickle"],
)
def test_a_foreign_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "foreign.npz"
    path.write_bytes(content)
    assert "not a table of this suite" in refusal(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert "no table" in refusal(tmp_path / "nothing.npz")
    refusal(tmp_path)


def test_a_name_is_a_shipped_table_and_a_path_is_a_path() -> None:
    assert table.path_of("svm_mnist") == table.FOLDER / "svm_mnist.npz"
    assert table.path_of("mine/x.npz") == Path("mine/x.npz")


def test_a_write_that_fails_leaves_the_old_table(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(KeyError):
        table.write(path, META, {"config": np.zeros((1, 1))})
    assert path.read_bytes() == before


def test_a_table_of_another_kind_is_refused_by_its_name(path: Path, tmp_path: Path) -> None:
    other = table.Kind("others", 1, {"loss": "<f8"})
    with pytest.raises(table.TableError, match="is a table of evaluations, not of others"):
        table.read(path, other)
    table.write(tmp_path / "other.npz", {}, {"loss": np.ones(2)}, other)
    np.testing.assert_array_equal(
        table.read(tmp_path / "other.npz", other).columns["loss"], np.ones(2)
    )
    assert "is a table of others, not of evaluations" in refusal(tmp_path / "other.npz")


def test_the_shipped_table_of_the_first_version_is_one_of_evaluations() -> None:
    shipped = table.read(table.path_of("svm_mnist"))
    assert shipped.meta.get("kind", "evaluations") == "evaluations"


def test_the_kind_is_known_without_reading_all(path: Path, tmp_path: Path) -> None:
    assert table.kind_of(path) == "evaluations"
    table.write(tmp_path / "other.npz", {}, {}, table.Kind("others", 1, {}))
    assert table.kind_of(tmp_path / "other.npz") == "others"
    with pytest.raises(table.TableError, match="is not a table"):
        table.kind_of(tmp_path / "nothing.npz")


def test_a_sound_table_without_a_key_that_a_replay_needs_is_refused(path: Path) -> None:
    read = table.read(path)
    table.require(read, ("sha256",), "mine")
    with pytest.raises(table.TableError, match=r"^table mine: its meta has no chosen; write it"):
        table.require(read, ("sha256", "chosen"), "mine")


def test_facts_are_outside_the_hash_and_can_be_amended(path: Path) -> None:
    before = table.read(path)
    for facts in ({"good_cost": 2.0}, {"good_cost": 3.0}):
        table.amend(path, facts)
        after = table.read(path)
        assert after.meta["facts"] == facts
        assert after.sha256 == before.sha256
    rewrite_meta(path, target_cost=4)
    assert "checksum" in refusal(path)


def test_a_large_table_is_refused_in_one_line_and_the_old_one_stays(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()
    monkeypatch.setattr(table, "MOST_BYTES", 10_000)
    noise = np.random.default_rng(0).random(2000)
    larger = columns(2000) | {"cost": noise}
    with pytest.raises(table.TableError, match=r"the table would have 0\.\d MB, allowed are 0.01"):
        table.write(path, META, larger)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_all_shipped_tables_together_are_small() -> None:
    sizes = [path.stat().st_size for path in table.FOLDER.glob("*.npz")]
    assert len(sizes) >= 4
    assert max(sizes) <= table.MOST_BYTES == 5_000_000
    assert sum(sizes) <= 20_000_000
