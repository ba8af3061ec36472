from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from PIL import Image

from analysis.data.archive import read_archive
from analysis.data.load import load_runs
from analysis.data.tidy import tidy
from analysis.figures.figure import Figure
from analysis.page import sections
from analysis.page.figure_data import FigureData
from analysis.page.tables import Table, final, speedups, to_markdown, to_target
from analysis.report import main
from support.studies import FACTS, write_full_run, write_study

ROOT = Path(__file__).resolve().parents[2]


def _quick(context: sections.ReportContext) -> list[sections.Entry]:
    def draw() -> Figure:
        import matplotlib.pyplot as plt

        return Figure(plt.figure(figsize=(2, 1)), context.table[["seed"]], "A caption.")

    def cannot() -> Figure:
        raise ValueError("there is only one task.")

    entries = [
        ("drawn", draw),
        ("absent", cannot),
        ("table", lambda: Table(context.table.head(1), "Shown.")),
    ]
    return [sections.Entry(name, f"Item {name}", make) for name, make in entries]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and sections that are drawn at once."""
    monkeypatch.chdir(tmp_path)
    section = sections.Section("first", "First", _quick)
    monkeypatch.setattr(sections, "SECTIONS", (section,))
    return tmp_path


def test_everything_is_written_and_said(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_study(here / "results" / "runs" / "s")
    write_full_run(here / "results/runs/s/one/random/seed-3", status="failed")
    assert main(["experiment=s"]) == 0
    out = here / "results" / "s"
    files = sorted(str(p.relative_to(out)) for p in out.rglob("*") if p.is_file())
    assert files == [
        "README.md",
        "figures/drawn.csv", "figures/drawn.png", "figures/drawn.svg", "report.html", "runs.json",
        "tables/coverage.csv", "tables/coverage.md", "tables/table.csv", "tables/table.md",
        "trials.csv.gz",
    ]  # fmt: skip
    html = (out / "report.html").read_text()
    for text in (
        "<title>Report: s</title>", "12 of 13 runs analysed: 2 methods on 2 tasks, seeds 0 to 2",
        "one, random: seed 3 failed, left out.", "two, fabolas: seed 3 missing.", "A caption.",
        "Not shown: there is only one task.</p>", "c0ffee000000 (12 runs)",
        "cpu some cpu (12 runs)", "numpy 2.4", "random: version 1 (6 runs)", "recommended",
    ):  # fmt: skip
        assert text in html, text
    printed = capsys.readouterr().out
    assert "one, random: seed 3 failed, left out." in printed
    assert printed.endswith("written: results/s/report.html\n")


def test_the_archive_gives_the_same_report_as_the_traces(here: Path) -> None:
    write_study(here / "results" / "runs" / "s")
    write_full_run(here / "results/runs/s/one/random/seed-3", status="failed")
    assert main(["experiment=s"]) == 0
    out = here / "results" / "s"
    names = ("report.html", "trials.csv.gz", "runs.json", "figures/drawn.svg")
    first = {name: (out / name).read_bytes() for name in names}
    shutil.rmtree(here / "results" / "runs")
    assert main(["experiment=s"]) == 0
    assert {name: (out / name).read_bytes() for name in names} == first
    assert main(["experiment=s", "out=elsewhere"]) == 0
    assert (here / "elsewhere" / "report.html").read_bytes() == first["report.html"]


def test_runs_are_cut_at_a_budget_and_the_archive_is_whole(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_study(here / "results" / "runs" / "s")
    line = "Runs are cut at 2 target evaluations (budget=2)."
    for _ in ("traces", "archive"):
        assert main(["experiment=s", "budget=2"]) == 0
        assert line in capsys.readouterr().out
        assert f"- {line}" in (here / "results/s/README.md").read_text()
        assert read_archive(here / "results/s")[0].total_cost.max() > 20
        shutil.rmtree(here / "results" / "runs", ignore_errors=True)


def test_names_of_others_are_plain_text_in_every_file(here: Path) -> None:
    task, method = "=a|b<script>`", "@m<img src=x>"
    for seed in (0, 1):
        write_full_run(here / "results/runs/s" / task / method / f"seed-{seed}")
    assert main(["experiment=s"]) == 0
    out = here / "results" / "s"
    html = (out / "report.html").read_text()
    assert "<script" not in html
    assert "<img src=x" not in html
    assert "@m&lt;img src=x&gt;" in html
    for file in (out / "README.md", *(out / "tables").glob("*.md")):
        assert not re.search(r"(?<!\\)[<>`]", file.read_text()), file
    assert r"| =a\|b\<script\>\` | @m\<img src=x\> |" in (out / "tables/coverage.md").read_text()
    for name in ("coverage", "table"):
        first = (out / f"tables/{name}.csv").read_text().splitlines()[1]
        assert first.startswith("'=a|b<script>`,'@m<img src=x>,")
    # the archive is read by this suite only, and exactly
    assert set(read_archive(out)[0].task) == {task}


def test_photos_are_on_a_page_of_their_own_that_git_ignores(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_full_run(here / "results/runs/s/cars_head/random/seed-0")
    data, photos = here / "results/s/data", here / "results/runs/.photos/s"
    data.mkdir(parents=True)
    photos.mkdir(parents=True)
    (data / "predictions_cars_head.csv").write_text(
        "file,label,baseline,tuned,training_seed,shown,jpeg\n"
        "test/1.jpg,0,1,0,0,1,test-1.jpg\ntest/2.jpg,1,1,0,0,0,test-2.jpg\n"
    )
    (data / "classes_cars_head.csv").write_text("class,name\n0,One Car\n1,Another Car\n")
    Image.new("RGB", (64, 64), (200, 30, 30)).save(photos / "test-1.jpg")
    assert main(["experiment=s"]) == 0
    assert capsys.readouterr().out.endswith(
        "written: results/s/report.html\nwritten: results/runs/.photos/s/report.html\n"
    )
    local, published = photos / "report.html", here / "results/s/report.html"
    assert "not for publication" in local.read_text()
    assert "not for publication" not in published.read_text()
    assert local.read_text().count("data:image/png") == 1 + published.read_text().count(
        "data:image/png"
    )
    assert (photos / "figures/misclassified-cars_head.png").exists()
    assert not list((here / "results/s").rglob("misclassified*"))


def test_other_folders_can_be_named(here: Path) -> None:
    write_study(here / "mine")
    assert main(["study=s", "runs=mine", "out=deep/er"]) == 0
    assert (here / "deep" / "er" / "report.html").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "study=NAME is missing (studies here: study_a)"),
        (["experiment"], "experiment needs a value: experiment=NAME"),
        (["experiment=study_a", "experiment=b"], "experiment is given twice: study_a and b"),
        (["study=study_a", "experiment=b"], "study=study_a and experiment=b: name one study"),
        (["experimnt=s"], "unknown key experimnt; did you mean 'experiment'? (allowed: study, "),
        (["--zzz"], "unknown argument --zzz (allowed: study, "),
        (["experiment=study_b"], "; did you mean 'study_a'? (studies here: study_a)"),
        (["experiment=../x"], "must be the name of a folder in results, without slashes"),
        (["study=/tmp"], "must be the name of a folder in results, without slashes"),
        (["experiment=.."], "must be the name of a folder in results, without slashes"),
        (["experiment=s", "workers=0"], "workers=0: must be a whole number, 1 or more"),
        (["experiment=s", "budget=-2"], "budget=-2: must be a number above 0"),
        (["experiment=s", "price=x"], "price=x: must be a number above 0"),
        (["experiment=s", "runs=nowhere"], "runs=nowhere: no such folder"),
        (["experiment=empty", "runs=empty"], "no runs below empty"),
        (["study=study_a", "out=file"], "File exists: 'file'"),
    ],
)
def test_mistakes_are_one_clear_line_and_exit_code_2(
    here: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_full_run(here / "results/runs/study_a/t/m/seed-0")
    (here / "empty").mkdir()
    (here / "file").touch()
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == "" or "out=file" in arguments
    assert said in printed.err
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    assert not (here / "results" / "s").exists()


def test_help_is_printed_at_once() -> None:
    code = (
        "import sys; from analysis.report import main; assert main(['study=x', '--help']) == 0\n"
        "heavy = {'numpy', 'pandas', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT
    )
    for part in ("usage: untunable report study=NAME", "price=USD", "(default: 20)", "examples:"):
        assert part in done.stdout


def test_a_foreign_folder_is_one_clear_line(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = here / "f" / "a" / "b" / "seed-0"
    folder.mkdir(parents=True)
    whole = {"task": "t", "task_facts": {}, "settings": {}}
    for meta, trace in (
        ("{", ""), ("[]", ""), ('{"name": "x"}', ""), (json.dumps(whole), ""),
        (json.dumps(whole | {"seed": 0}), '{"step": 1}\n'),
        (json.dumps(whole | {"seed": 0}), "text\n"), (json.dumps(whole | {"seed": 0}), "3\n"),
    ):  # fmt: skip
        (folder / "meta.json").write_text(meta)
        (folder / "trace.jsonl").write_text(trace)
        assert main(["experiment=s", "runs=f"]) == 2
        said = capsys.readouterr().err
        assert said.startswith("error: f")
        assert said.count("\n") == 1


def test_a_defect_in_a_figure_is_not_hidden(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Figure:
        raise KeyError("loss")

    entries = [sections.Entry("broken", "", broken)]
    section = sections.Section("first", "First", lambda context: entries)
    monkeypatch.setattr(sections, "SECTIONS", (section,))
    write_study(here / "mine", seeds=1)
    with pytest.raises(KeyError):
        main(["experiment=s", "runs=mine"])


def test_tables_of_known_runs(tmp_path: Path) -> None:
    write_study(tmp_path, seeds=3)
    table = tidy(load_runs(tmp_path))
    data = final(table, "one").data
    assert list(data) == [
        "method", "runs", "regret", "test error", "trials", "cost [full trainings]",
        "overhead [CPU s per trial]",
    ]  # fmt: skip
    rows = data.set_index("method")
    # of 12 trials, those within the cost of four full trainings
    assert (rows.trials == "7").all()
    assert (rows["cost [full trainings]"] == "4").all()
    within = table[(table.task == "one") & (table.method == "random") & (table.total_cost <= 20)]
    last = within.groupby("seed").tail(1)
    assert rows.regret["random"].startswith(f"{last.regret_recommended.median():.3g} (")
    with pytest.raises(ValueError, match="best loss of one is not known"):
        to_target(table.assign(regret_recommended=float("nan")), "one")
    for made in (to_target, speedups):
        with pytest.raises(ValueError, match="no method reached a target"):
            made(table.assign(regret_recommended=0.5), "one")


def test_ratios_of_every_target_within_reach(tmp_path: Path) -> None:
    write_study(tmp_path, seeds=3)
    table = tidy(load_runs(tmp_path)).assign(regret_recommended=0.01)
    shown = speedups(table, "one")
    assert shown.data.regret.to_list()[::2] == ["0.1", "0.05", "0.02", "0.01"]
    first = shown.data[shown.data.method == "fabolas"].iloc[0]
    assert first["runs that reached it"] == "3 of 3"
    # all were there after the first trial, of a quarter of a full training
    assert first["average cost, delivered [full trainings]"] == "1.2 (1.2 to 1.2)"
    assert first["ratio to random, delivered"] == first["ratio to random, found"] == "1 (1 to 1)"
    assert "that at the highest fidelity is divided by the fidelity" in shown.caption
    found = speedups(table.drop(columns="delivery"), "one")
    assert found.data["average cost, found [full trainings]"][0] == "0.25 (0.25 to 0.25)"
    assert "until the recommendation is good (found), because" in found.caption
    assert "paired by seed" in shown.caption


def test_a_task_of_milliseconds_says_nothing_of_speed(tmp_path: Path) -> None:
    write_study(tmp_path, seeds=2)
    table = tidy(load_runs(tmp_path))
    table.loc[table.task == "one", "target_cost"] = 0.005
    for made in (to_target, speedups):
        with pytest.raises(ValueError, match=r"full training of one takes 0\.005 s"):
            made(table, "one")
        made(table.assign(regret_recommended=0.01), "two")
    context = sections.ReportContext(table, FigureData("s", tmp_path))
    (section,) = [each for each in sections.SECTIONS if each.name == "supplement"]
    entries = {entry.name: entry for entry in section.entries(context)}
    for name, tasks in (
        ("incumbent-regret-recommended-cost_and_overhead", {"two"}),
        ("incumbent-regret-best_seen-cost", {"one", "two"}),
    ):
        drawn = entries[name].make()
        assert isinstance(drawn, Figure)
        assert set(drawn.data.task) == tasks
        plt.close(drawn.figure)


def test_what_does_not_depend_on_the_runs_does_not_name_them(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def entries(context: sections.ReportContext) -> list[sections.Entry]:
        return [entry._replace(of_runs=False) for entry in _quick(context)]

    section = sections.Section("first", "First", entries)
    monkeypatch.setattr(sections, "SECTIONS", (section,))
    write_full_run(here / "results/runs/s/one/random/seed-0")
    assert main(["study=s"]) == 0
    page = (here / "results/s/README.md").read_text()
    assert "A caption. [CSV]" in page
    assert "Runs: commit" not in page


def test_a_method_that_the_talk_does_not_have_has_an_empty_cell(tmp_path: Path) -> None:
    for seed in range(2):
        write_full_run(tmp_path / "cars" / "hyperband" / f"seed-{seed}")
        write_full_run(tmp_path / "both cars" / "hyperband" / f"seed-{seed}")
        write_full_run(tmp_path / "both cars" / "random" / f"seed-{seed}")
    table = tidy(load_runs(tmp_path)).assign(regret_recommended=0.01)
    assert to_target(table, "cars").data["assumed in the talk"].to_list() == [""]
    hyperband, random = to_target(table, "both cars").data["assumed in the talk"]
    assert hyperband == ""
    assert random.startswith("Random: 12,920 observations")


def test_captions_say_what_tasks_say_of_themselves(here: Path) -> None:
    runs = here / "results/runs/s"
    write_full_run(runs / "one/random/seed-0", task_facts={**FACTS, "caption": "a stand-in"})
    write_full_run(runs / "two/random/seed-0")
    assert main(["experiment=s"]) == 0
    assert (
        "A caption. one: a stand-in. Runs: commit c0ffee000000; CPU some cpu."
        in (here / "results/s/README.md").read_text()
    )


@pytest.mark.parametrize(
    ("method", "shown"),
    [
        ("mtbo", True), ("mtbo_32", True), ("multitask", True), ("fabolas_talk", True),
        ("fabolas,method.x=1", True), ("emukit_fabolas", True), ("sigopt", True),
        ("hyperband", False), ("asha", False), ("ei", False), ("mine", False),
    ],
)  # fmt: skip
def test_multi_task_models_are_explained_where_there_are_some(
    method: str, shown: bool, tmp_path: Path
) -> None:
    for name in ("random", method):
        write_full_run(tmp_path / "t" / name / "seed-0")
    context = sections.ReportContext(tidy(load_runs(tmp_path)), FigureData("s", tmp_path))
    (section,) = [each for each in sections.SECTIONS if each.name == "multitask"]
    assert bool(section.entries(context)) == shown


def test_a_worker_scaling_study_compares_no_methods() -> None:
    runs = pd.DataFrame({"method": ["ei,workers.n=1", "ei,workers.n=2"], "workers": [1, 2]})
    kept = [each.name for each in sections.sections_of(runs)]
    assert kept == ["speedup", "tables"]
    runs = runs.assign(method=["ei", "ei,workers.n=2"])
    assert len(sections.sections_of(runs)) > 10


def test_markdown_keeps_its_columns() -> None:
    text = to_markdown(pd.DataFrame({"a": ["x|y"], "b": [1]}))
    assert text == "| a | b |\n|---|---|\n| x\\|y | 1 |\n"


def test_every_section_has_a_name_of_its_own_and_files_too(tmp_path: Path) -> None:
    write_study(tmp_path, seeds=1)
    write_full_run(tmp_path / "cars head" / "ei,method.x=[1]" / "seed-0")
    table = tidy(load_runs(tmp_path))
    context = sections.ReportContext(table, FigureData("s", tmp_path))
    names = [entry.name for section in sections.SECTIONS for entry in section.entries(context)]
    assert len(names) == len(set(names))
    assert all(sections.file_name(name) == name for name in names)
    assert "talk" in names
    assert [section.name for section in sections.SECTIONS] == [
        "incumbent", "supplement", "landscape", "multitask", "allocation", "hyperparameters",
        "importance", "cost_to_target", "ecdf", "ranks", "critical_difference", "wins",
        "surrogates", "speedup", "overhead", "misclassified", "tables",
    ]  # fmt: skip
