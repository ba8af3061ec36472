from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.data.load import load_runs
from analysis.summary import main, summarise
from support.traces import BUDGET, FACTS, write_run


def test_medians_shares_and_order(tmp_path: Path) -> None:
    for seed, last in enumerate((0.105, 0.109, 0.2)):
        write_run(tmp_path / "t" / "good" / f"seed-{seed}", [0.5, 0.3, 0.2, last])
    write_run(tmp_path / "t" / "bad" / "seed-0", [0.5, 0.5, 0.5, 0.5])
    write_run(tmp_path / "t" / "short" / "seed-0", [0.5, 0.3], stopped_by="trials")
    rows = summarise(load_runs(tmp_path))
    assert [row["method"] for row in rows] == ["good", "short", "bad"]
    good, short, _ = rows
    assert good["runs"] == "3"
    assert [good[f"regret at {s}"] for s in ("5%", "25%", "100%")] == ["inf", "0.4", "0.009"]
    assert good["cost to 0.01"] == "4 (67%)"
    assert good["cost to 0.003"] == "inf (0%)"
    assert good["overhead"] == "0.750"
    # stopped by trials: marked, and its last incumbent is kept to the end of the budget
    assert short["runs"] == "1, 1 ended by trials"
    assert short["regret at 100%"] == "0.2"


def test_targets_below_three_examples_are_omitted(tmp_path: Path) -> None:
    write_run(tmp_path / "t" / "m" / "seed-0", [0.5], task_facts=FACTS | {"loss_floor": 0.0009})
    (row,) = summarise(load_runs(tmp_path))
    assert [name for name in row if name.startswith("cost to")] == ["cost to 0.01"]


def test_the_command_prints_tables_and_what_was_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path / "t" / "m" / "seed-0", [0.5, 0.2])
    write_run(tmp_path / "t" / "m" / "seed-1", [0.5], status="failed")
    write_run(tmp_path / "t" / "m" / "seed-2", [0.5])
    (tmp_path / "t" / "m" / "seed-2" / "meta.json").write_text("{")
    target = tmp_path / "s.md"
    assert main([str(tmp_path), "--markdown", str(target)]) == 0
    text = capsys.readouterr().out
    assert "t: median regret" in text
    assert "left out: 1 failed or unfinished runs" in text
    assert "seed-1: failed" in text
    unreadable = f"left out, cannot be read: {tmp_path / 't/m/seed-2/meta.json'} is not the"
    assert unreadable in text
    assert f"- {unreadable}" in target.read_text()


def test_runs_with_other_budgets_are_cut_and_it_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path / "t/m/seed-0", [0.5, 0.3, 0.2, 0.15])
    raised = [BUDGET, BUDGET | {"target_evaluations": 6}]
    write_run(tmp_path / "t/m/seed-1", [0.5, 0.3, 0.2, 0.15, 0.1, 0.1], budgets=raised)
    target = tmp_path / "s.md"
    for extra, said, regret in (
        ([], "smallest one of their task: t at 4 target evaluations.", "0.05"),
        (["budget=2"], "Runs are cut at 2 target evaluations (budget=2).", "0.2"),
    ):
        assert main([str(tmp_path), f"markdown={target}", *extra]) == 0
        assert said in capsys.readouterr().out
        assert said in target.read_text()
        assert f" {regret} |" in target.read_text()
    assert main([str(tmp_path), "budget=0"]) == 2
    assert "budget=0: must be a number above 0" in capsys.readouterr().err


def test_without_a_target_cost_the_unit_of_the_runs_counts(tmp_path: Path) -> None:
    facts = FACTS | {"target_cost": None}
    write_run(tmp_path / "t/m/seed-0", [0.5, 0.101], task_facts=facts)
    (row,) = summarise(load_runs(tmp_path))
    assert not [name for name in row if name.startswith("cost to")]
    write_run(tmp_path / "t/m/seed-1", [0.5, 0.101], task_facts=facts, unit=5.0)
    (row,) = summarise(load_runs(tmp_path))
    assert row["cost to 0.01"] == "2 (100%)"


def test_failures_are_counted_by_reason_below_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path / "t/m/seed-0", [0.5, 0.2, 0.2])
    trace = tmp_path / "t/m/seed-0/trace.jsonl"
    first, *others = [json.loads(line) for line in trace.read_text().splitlines()]
    for row in others:
        row |= {"status": "failed", "loss": None, "info": {"error": "ValueError: [/x] <b>"}}
    trace.write_text("".join(json.dumps(row) + "\n" for row in [first, *others]))
    error = "none of 1 trials was ok: failed: E"
    write_run(tmp_path / "t/m/seed-1", [0.5], status="failed", error=error)
    target = tmp_path / "s.md"
    assert main([str(tmp_path), f"markdown={target}"]) == 0
    printed = capsys.readouterr().out
    assert "  m: 2 of 3 trials not ok: 2 failed: ValueError: [/x] <b>\n" in printed
    assert f"seed-1: failed: {error}\n" in printed
    text = target.read_text()
    assert "\n- m: 2 of 3 trials not ok: 2 failed: ValueError: [/x] \\<b\\>\n" in text
    assert f"seed-1: failed: {error}\n" in text


def test_names_of_others_are_printed_as_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, method = "[/x] <b>|`:smile:", "[red]m[/x] | <b>:smile:"
    write_run(tmp_path / "t" / method.replace("/", "") / "seed-0", [0.5, 0.2], task=name)
    write_run(tmp_path / "t/[/x]/seed-0", [0.5], task=name, status="failed")
    target = tmp_path / "s.md"
    assert main([str(tmp_path), f"markdown={target}"]) == 0
    printed = capsys.readouterr().out
    assert f"{name}: median regret" in printed
    assert method.replace("/", "") in printed
    assert "/[/x]/seed-0: failed" in "".join(printed.splitlines())
    text = target.read_text()
    assert r"## [/x] \<b\>\|\`:smile:" in text
    assert r"| [red]m[x] \| \<b\>:smile: | 1 |" in text
    assert "<" not in text.replace(r"\<", "")


def test_a_folder_without_runs_is_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"error: no runs below {tmp_path}\n"


def test_markdown_says_what_produced_the_tables(tmp_path: Path) -> None:
    facts = {"commit": "a" * 40, "dirty": True, "versions": {"numpy": "2.4"}}
    machine = {"machine": {"cpu": "some cpu"}}
    for seed in (0, 10, 2):
        folder = tmp_path / "study" / "t" / "m" / f"seed-{seed}"
        write_run(folder, [0.5, 0.2], seed=seed, **facts, **machine)
    write_run(tmp_path / "study" / "t" / "m" / "seed-3", [0.5], status="failed", seed=3)
    target = tmp_path / "deep" / "summary.md"
    assert main([str(tmp_path / "study"), "--markdown", str(target)]) == 0
    text = target.read_text()
    assert "- runs: 3 finished, 1 failed or unfinished" in text
    assert "- seeds: 0, 2, 10\n" in text
    assert "- commit: aaaaaaaaaaaa (with uncommitted changes)\n" in text
    assert "- machine: some cpu\n- versions: numpy 2.4\n" in text
    assert "## t\n\n| method | runs | regret at 5% |" in text
    assert "| m | 3 | inf | 0.4 | 0.1 |" in text


def test_a_caption_is_shown_and_no_ratio_of_costs_of_milliseconds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = FACTS | {"target_cost": 0.01, "caption": "not real"}
    write_run(tmp_path / "t" / "m" / "seed-0", [0.5, 0.101], task_facts=facts)
    (row,) = summarise(load_runs(tmp_path))
    assert not [name for name in row if name.startswith("cost to")]
    assert main([str(tmp_path), "--markdown", str(tmp_path / "s.md")]) == 0
    assert "t, not real: median regret" in " ".join(capsys.readouterr().out.split())
    assert "## t, not real" in (tmp_path / "s.md").read_text()


def test_a_study_is_named_as_in_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path / "results/runs/s/t/m/seed-0", [0.5, 0.2])
    printed = []
    for arguments in (
        ["study=s"], ["experiment=s"], ["results/runs/s"], ["runs=results/runs/s"],
        ["study=s", "markdown=s.md"], ["--markdown", "s2.md", "results/runs/s"],
    ):  # fmt: skip
        assert main(arguments) == 0
        printed.append(capsys.readouterr().out)
    assert len(set(printed)) == 1
    assert "t: median regret" in printed[0]
    text = Path("s.md").read_text()
    assert text.startswith("# s\n")
    assert "`python -m analysis.summary results/runs/s markdown=FILE`" in text
    assert text == Path("s2.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "study=NAME is missing (studies here: archived, s)"),
        (["study=r"], "study=r: no runs in results/runs/r (studies here: archived, s)"),
        (["study=archived"], "python -m analysis.report study=archived reads its archive"),
        (["study=../x"], "must be the name of a folder in results"),
        (["nowhere"], "runs=nowhere: no such folder"),
        (["studi=s"], "unknown key studi; did you mean 'study'? (allowed: study, experiment, "),
        (["study=s", "--markdown"], "markdown needs a value: markdown=FILE"),
        (["study=s", "markdown=results"], "Is a directory: 'results'"),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path / "results/runs/s/t/m/seed-0", [0.5, 0.2])
    (tmp_path / "results/archived").mkdir()
    (tmp_path / "results/archived/runs.json").write_text("{}")
    assert main(arguments) == 2
    text = capsys.readouterr().err
    assert text.startswith("error: ")
    assert text.count("\n") == 1
    assert said in text


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for part in ("study=NAME", "experiment=NAME", "runs=FOLDER", "markdown=FILE", "examples:"):
        assert part in text
