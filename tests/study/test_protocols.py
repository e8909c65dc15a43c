"""The worked protocols of the docs: what their files give, that assumed doses are marked, and how long they take."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from doseopt.conduct.next_dose import next_dose
from doseopt.records.trial import Trial
from doseopt.study.file import load_study, parse_study

DOCS = Path(__file__).parents[2] / "docs"
FILES = sorted((DOCS / "protocols").glob("*.toml"))
STATED = {"nct04243785": ("1", "42"), "nct01237236": ("50", "600", "750", "900", "1200")}


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def study(request):
    return load_study(str(request.param))


def test_the_page_names_each_file_and_each_file_is_written_back(study):
    assert f"<protocols/{study.name}.toml>" in (DOCS / "protocols.md").read_text(encoding="utf-8")
    assert parse_study(study.to_toml()).hash == study.hash


def test_doses_that_the_source_does_not_state_are_assumed(study):
    if study.name in STATED:
        stated = [label for label in study.doses.labels if label not in study.doses.assumed]
        assert tuple(stated) == STATED[study.name]
    else:
        assert study.doses.values is None


@pytest.mark.parametrize(
    ("name", "outcomes", "design", "wanted"),
    [
        ("nct04243785", "", "single patients, BOIN", (1, 1)),
        ("nct04243785", "1N 2N", "single patients, BOIN", (3, 1)),
        ("nct04243785", "1N 2N 3T", "single patients, BOIN", (3, 2)),  # the dose of the first DLT is filled
        ("nct04243785", "1N 2N 3T 3NN", "single patients, BOIN", (3, 3)),  # 1/3 between .236 and .358: stay
        ("nct01237236", "", "cohorts of 6", (1, 6)),
        ("nct01237236", "1NNN", "cohorts of 3", (2, 3)),  # twice 50 mg at most
        ("nct01237236", "1NNN 2NNN 3NNN", "cohorts of 3", (4, 3)),  # twice 200 mg at most
        ("cd19-crm", "", "CRM", (1, 3)),
    ],
)
def test_what_the_protocols_give(name, outcomes, design, wanted):
    study = load_study(str(DOCS / "protocols" / f"{name}.toml"))
    found = next_dose(study, Trial.from_outcomes(outcomes, study.doses), designs=[design])["designs"][design]
    assert (found["level"], found["size"]) == wanted
    assert found["departures"] == []


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "wait4"), reason="processor time of another process")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_comparison_takes_less_than_15_seconds_of_processor_time(file, tmp_path):
    command = [
        sys.executable,
        "-c",
        "from doseopt.cli import main; main()",
        "compare",
        str(file),
        "--out",
        str(tmp_path),
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as ran:
        _, status, used = os.wait4(ran.pid, 0)
    assert status == 0
    assert used.ru_utime + used.ru_stime < 15
