"""The recorded speed results: complete, of the runner's making, and what is made from them. No time is tested."""

import ast
import csv
import dataclasses
import datetime
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import doseopt
from benchmarks.speed import accuracy, beside, cases, figures, peers, peers_here, readme, run
from benchmarks.speed.jobs import COMMANDS, Job, measured
from benchmarks.speed.measure import HEAVY, Ran, Task, apart, child, command, enough, summary, timed
from benchmarks.speed.run import REPEATS, RESULTS, TASKS
from doseopt.engines.graph import build_graph, graph_of

FOLDER = Path(__file__).parents[2] / "benchmarks" / "speed"
FILES = {"speed.json", "peers.csv", "peers.md", "pending.md", "accuracy.md"}


def read(folder):
    return json.loads((folder / "speed.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def recorded():
    return read(RESULTS)


@pytest.fixture
def tasks(monkeypatch):
    """Three tasks in place of all; the second is interrupted as long as `stops` holds its name."""
    stops, done = {"b"}, []

    def measure(name):
        if name in stops:
            raise KeyboardInterrupt
        done.append(name)
        return {"unit": "s", "median": len(done), "min": 1, "max": 9, "repeats": 5}

    monkeypatch.setattr(run, "TASKS", [Task(name, lambda _, name=name: measure(name)) for name in "abc"])
    return stops, done


def medians(results):
    return {record["name"]: record["median"] for record in results["records"]}


def test_an_interrupted_run_goes_on_while_the_code_is_the_same(tmp_path, tasks, monkeypatch):
    stops, done = tasks
    with pytest.raises(KeyboardInterrupt):
        run.measure(tmp_path)
    stops.clear()
    assert medians(run.measure(tmp_path)) == {"a": 1, "b": 2, "c": 3}
    assert done == ["a", "b", "c"]
    monkeypatch.setattr(run, "code", lambda: "other")
    assert medians(run.measure(tmp_path)) == {"a": 4, "b": 5, "c": 6}


def test_some_tasks_are_measured_anew_and_the_others_kept(tmp_path, tasks):
    tasks[0].clear()
    results = run.measure(tmp_path)
    (tmp_path / "speed.json").write_text(json.dumps(results), encoding="utf-8")
    assert medians(run.measure_again(tmp_path, "[bx]*")) == {"a": 1, "b": 4, "c": 3}
    assert medians(read(tmp_path)) == {"a": 1, "b": 4, "c": 3}
    (tmp_path / "speed.json").write_text(json.dumps(results | {"machine": "other"}), encoding="utf-8")
    with pytest.raises(SystemExit, match="of another machine: other"):
        run.measure_again(tmp_path, "*")


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    folder = tmp_path_factory.mktemp("speed")
    command = [sys.executable, str(FOLDER / "run.py"), "--quick", "--out", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def by_name(results):
    return {record["name"]: record for record in results["records"]}


def test_the_quick_run_makes_every_fast_record_and_every_file(quick):
    assert list(by_name(read(quick))) == [task.name for task in TASKS if not task.slow]
    assert {path.name for path in quick.iterdir()} == FILES | {"figures"}
    assert {path.suffix for path in (quick / "figures").iterdir()} == {".svg", ".png"}


def test_the_recorded_file_is_of_a_full_run_of_this_runner(recorded):
    assert list(by_name(recorded)) == [task.name for task in TASKS]
    assert not recorded["quick"]
    assert recorded["machine"].keys() == {"processor", "cores", "system", "python", "numpy", "scipy"}
    for record in recorded["records"]:
        assert datetime.date.fromisoformat(record["date"]) > datetime.date(2026, 11, 1)
        assert record["unit"] in ("s", "bytes")
        assert record["repeats"] == REPEATS or (record["repeats"] == 1 and record["min"] > HEAVY)
        assert 0 < record["min"] <= record["median"] <= record["max"]


def test_what_does_not_depend_on_the_machine_is_as_recorded(quick, recorded):
    full = by_name(recorded)
    counted = [record for record in read(quick)["records"] if "counts" in record]
    assert len(counted) > 20
    for record in counted:
        assert record["counts"] == full[record["name"]]["counts"], record["name"]


def test_every_recorded_file_is_there(recorded):
    assert {path.name for path in RESULTS.iterdir()} == FILES | {"figures"}
    wanted = {f"{name}.{kind}" for name in figures.FIGURES for kind in ("svg", "png")}
    assert {path.name for path in (RESULTS / "figures").iterdir()} == wanted
    on = readme.on_machine(recorded)
    assert (RESULTS / "accuracy.md").read_text(encoding="utf-8") == accuracy.markdown(recorded["records"], on)
    rows = peers.rows(by_name(recorded))
    assert (RESULTS / "peers.md").read_text(encoding="utf-8") == peers.markdown(rows, on)
    with (RESULTS / "peers.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == rows


def test_every_call_of_the_peers_has_the_same_job_here(recorded):
    assert len(peers.rows(by_name(recorded))) == len(peers.measured_elsewhere()) == 22
    assert {f"peers/{design}" for design in peers.SAME_JOB.values()} <= by_name(recorded).keys()
    assert set(peers.DESIGNS) | {peers.PATHS} == set(peers.SAME_JOB.values())


def test_the_command_is_timed_as_it_is_run():
    ran = command("--version")
    assert ran.processor > 0
    assert ran.seconds > 0
    assert 10_000_000 < ran.peak < 600_000_000
    assert ran.printed.startswith("doseopt ")
    assert ran.first_table is None


def test_the_first_table_is_seen_when_it_is_printed():
    ran = child("import time\nprint('a  b')\nprint(30 * '-')\ntime.sleep(0.3)\nprint(1)")
    assert 0 < ran.first_table <= ran.seconds - 0.3


def test_a_child_that_fails_says_why():
    with pytest.raises(subprocess.CalledProcessError) as caught:
        child("raise ValueError('none')")
    assert "ValueError: none" in caught.value.stderr


def test_what_takes_long_runs_once():
    assert not enough([], 5)
    assert not enough([HEAVY], 5)
    assert enough([HEAVY + 1], 5)
    assert enough([0.1] * 5, 5)
    record, _ = timed(lambda: None, 3, per=10)
    assert record["repeats"] == 3


def test_a_job_of_its_own_python_is_the_same_job():
    here, there = measured("graph/BOIN 30 x 3", 1), apart(measured, "graph/BOIN 30 x 3", 1)
    assert here["counts"] == there["counts"]
    assert 100e6 < there["peak_bytes"] < 600e6


def stub(folder, monkeypatch, prints):
    """Put a program in place of R on the path, that prints; nothing else is on it."""
    folder.joinpath("Rscript").write_text(f"#!{sys.executable}\nprint({prints!r}, end='')\n", encoding="utf-8")
    folder.joinpath("Rscript").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_peers_that_are_here_are_timed_in_the_same_run(tmp_path, monkeypatch, capsys):
    head = '"peer","call","trials","cpu_seconds","cpu_seconds_per_10000"\n'
    stub(tmp_path, monkeypatch, head + '"BOIN 2.7.2","get.oc ncohort=10 cohortsize=3","20",".5","250"\n')
    peers_here.main(["--share", "0.01"])
    said = capsys.readouterr().out
    assert "| BOIN 2.7.2 | get.oc ncohort=10 cohortsize=3 | 250 | BOIN in threes | " in said
    assert "in the same run" in said
    assert "two machines" not in said


def test_without_peers_the_recorded_table_stands(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    peers_here.main([])
    assert capsys.readouterr().out.startswith("R is not at hand")
    stub(tmp_path, monkeypatch, '"peer","call","trials","cpu_seconds","cpu_seconds_per_10000"\n')
    peers_here.main([])
    assert capsys.readouterr().out.startswith("R has none of the packages")


def test_the_script_for_r_has_calls_of_the_table_with_as_many_trials():
    found = re.findall(r'list\("(\w+)", "([^"]+)", (\d+), function', (FOLDER / "peers.R").read_text(encoding="utf-8"))
    recorded = {(row["peer"].split()[0], row["call"], row["trials"]) for row in peers.measured_elsewhere()}
    assert len(found) == 14
    assert set(found) <= recorded


def test_the_block_for_the_readme(recorded):
    block = readme.block(recorded)
    assert readme.on_machine(recorded) in " ".join(block.split())  # lines are wrapped
    assert block.count("\n| ") == len(cases.GRAPHS) + len(readme.ROWS) + len(COMMANDS) + 6
    assert "| CRM 30 x 3 | 15,226 | " in block
    assert "| BOIN 30 x 1 | 493,512 | " in block
    assert max(map(len, block.splitlines())) <= 120


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(4.62e-6, "4.6 us"), (17.2e-6, "17 us"), (0.99e-3, "990 us"), (31.2e-3, "31 ms"), (1.04, "1.0 s"), (63.4, "63 s")],
)
def test_durations(seconds, words):
    assert readme.duration(seconds) == words


def test_a_summary_and_a_time():
    assert summary([3.0, 1.0, 2.0], "s") == {"unit": "s", "median": 2, "min": 1, "max": 3, "repeats": 3}
    asked = []
    record, result = timed(lambda: asked.append("call") or 7, 2, lambda: asked.append("before"), per=10)
    assert (result, record["repeats"], asked) == (7, 2, ["before", "call"] * 2)


def test_peaks_of_memory():
    small = child("").peak
    large = child("x = bytearray(10**8)\nx[::4096] = bytes(len(x[::4096]))").peak
    assert 0.95e8 < large - small < 1.1e8


def test_the_memory_of_all_processes_is_of_copies_too():
    hold = "x = bytearray(10**8); x[::4096] = bytes(len(x[::4096])); time.sleep(1); os._exit(0)"
    code = f"import os, time\nif os.fork():\n    os.wait()\nelse:\n    {hold}"
    ran = child(code, watch=True)
    assert 0.95e8 < ran.together < 1.3e8
    assert ran.peak < 0.5e8
    assert child("").together == 0


def test_two_trees_are_measured_in_one_run(monkeypatch):
    first, second = beside.measured("BOIN 30 x 3", [beside.ROOT, beside.ROOT], 2)
    assert first.counts == second.counts == build_graph(cases.boin()).counts()
    assert len(first.wall) == len(second.processor) == 2
    order = []

    def cold(name, tree, watch):
        order.append(tree)
        return Ran(9.0 if tree == "slow" else 1.0, 1.0, None, 10**6 * len(order), "", 7)

    monkeypatch.setattr(beside, "cold", cold)
    slow, quick = beside.measured("check", ["slow", "quick"], 3)
    assert order == ["slow", "quick", "quick", "quick"]
    assert (slow.wall, quick.wall, quick.peak, quick.together) == ([9.0], [1.0] * 3, 4 * 10**6, 7)


def test_a_tree_of_other_modules_is_measured(tmp_path):
    """One like the first edition's: its command line is there, and neither `-m doseopt` nor compiled loops are."""
    (tmp_path / "doseopt").mkdir()
    (tmp_path / "doseopt" / "__init__.py").touch()
    (tmp_path / "doseopt" / "cli.py").write_text(
        "import sys\ndef main():\n    print(*sys.argv[1:])\n", encoding="utf-8"
    )
    child(beside.WARM, tree=tmp_path)
    assert command("check", "renji-elo", tree=tmp_path).printed == "check renji-elo\n"
    loaded = ast.parse((FOLDER / "cases.py").read_text(encoding="utf-8")).body
    named = {node.module: {each.name for each in node.names} for node in loaded if isinstance(node, ast.ImportFrom)}
    assert {name for name in named if name.startswith("doseopt.")} == {"doseopt.models.beta", "doseopt.models.curves"}
    assert named["doseopt"] <= set(doseopt.__all__)


def test_a_row_of_two_trees():
    there = beside.Cost([4.0, 2.0, 6.0], [3.0], 5 * 10**8, 0, {"states": 4000})
    here = beside.Cost([2.0], [0.5], 10**8, 2 * 10**8, {"states": 4000})
    told = beside.row("job", there, here)
    assert told == "| job | 4 s | 2 s | 2.0 | 3 s | 0.5 s | 6.0 | 500 MB | 100 MB, 200 in all | 4,000 |"
    assert all(line.count("|") == told.count("|") for line in beside.HEAD.splitlines())
    other = dataclasses.replace(here, counts={"states": 4001})
    assert beside.row("job", there, other).endswith("| 4,001 DIFFER |")
    refused = beside.row("job", dataclasses.replace(there, counts={"refused": "too large"}), here)
    assert "| refused after 4 s | 2 s |" in refused
    assert refused.endswith("| 4,000 |")


def test_fresh_forgets_and_a_warm_job_does_not():
    graph = graph_of(cases.three_plus_three())
    Job("warm", lambda: graph_of(cases.three_plus_three()), warm=True).prepared()()
    kept = graph_of(cases.three_plus_three())
    assert kept is not graph
    assert graph_of(cases.three_plus_three()) is kept
    cases.fresh()
    assert graph_of(cases.three_plus_three()) is not kept


def test_the_rounding_error_is_that_of_the_sums():
    graph, selection, _, _ = cases.exact(cases.boin(patients=12))
    error = accuracy.rounding_error(graph, selection, cases.TRUTH)
    assert error < 1e-14
    moved = selection + np.array([[0, 0, 1e-9, 0, 0]])
    assert accuracy.rounding_error(graph, moved, cases.TRUTH) == pytest.approx(1e-9, abs=1e-14)


def test_the_exact_and_the_simulated_job_are_the_same_job():
    """Within five standard errors; that they agree is shown in property/test_simulation.py."""
    _, selection, _, _ = cases.exact(cases.boin())
    chosen = cases.simulate(cases.boin(), 4000)["selected"].to_numpy()[0]
    share = (chosen[:, None] == np.arange(-1, 4)).mean(axis=0)
    np.testing.assert_allclose(share, selection[0], rtol=0, atol=5 * np.sqrt(0.25 / 4000))


def test_the_study_of_paths_has_the_442_paths_of_the_literature():
    """R precautionary 0.2.6-1."""
    measured = next(task for task in peers.TASKS if task.name.endswith(peers.PATHS)).measure(1)
    assert measured["counts"] == {"paths": 442}


def test_the_bench_target_collects_the_jobs_only():
    makefile = (FOLDER.parents[1] / "Makefile").read_text(encoding="utf-8")
    assert "test benchmarks/speed/ --benchmark-only" in makefile
    assert [path.name for path in FOLDER.glob("bench_*.py")] == ["bench_jobs.py"]
