from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.data.study_names import available, describe, runs_of, study_names, study_of
from support.studies import write_full_run, write_study


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_experiment_is_the_study_of_its_name() -> None:
    assert study_of({"study": "a"}) == study_of({"experiment": "a"}) == "a"
    assert study_of({"study": "a", "experiment": "a"}) == "a"
    with pytest.raises(ValueError, match=r"^study=a and experiment=b: name one study$"):
        study_of({"study": "a", "experiment": "b"})
    with pytest.raises(ValueError, match=r"^study=NAME is missing \(studies here: none\)$"):
        study_of({})


@pytest.mark.parametrize("key", ["study", "experiment"])
@pytest.mark.parametrize("name", ["../x", "..", ".", "/etc", "a/b", "a\\b", "a\nb", "x" * 201])
def test_a_name_cannot_leave_the_results(key: str, name: str) -> None:
    with pytest.raises(ValueError, match=f"^{key}=") as raised:
        study_of({key: name})
    assert "must be the name of a folder in results, without slashes" in str(raised.value)


def test_studies_are_found_by_runs_and_by_archives(here: Path) -> None:
    write_study(here / "results/runs/first")
    write_full_run(here / "results/runs/.photos/t/m/seed-0")
    write_full_run(here / "results/runs/one/t/m/seed-0")
    archived = here / "results" / "second"
    archived.mkdir()
    (here / "results" / "first_run").mkdir()  # a picture only
    entries = [{"task": "t", "method": m} for m in ("a", "b")]
    (archived / "runs.json").write_text(json.dumps({"runs": entries}))
    assert study_names() == ["first", "one", "second"]
    assert describe("first") == "12 runs: 2 methods, 2 tasks"
    assert describe("one") == "1 run: 1 method, 1 task"
    assert describe("second") == "2 archived runs: 2 methods, 1 task"
    assert describe("third") == "no runs yet"
    said = "; did you mean 'second'? (studies here: first, one, second)"
    assert available("secnd") == said
    assert runs_of("first") == Path("results/runs/first")
