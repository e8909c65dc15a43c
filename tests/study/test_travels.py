"""Files that go with a study travel with it: what is written to another folder loads there, and reproduces.

The study and its policy in ``cases/policy-study-elsewhere`` come from a report of a reader whose report's own
reproduction command failed.
"""

import re
import shlex
import shutil
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from doseopt import CRM, Policy
from doseopt.cli import app
from doseopt.core.parameters import Faults
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import MaxPatients
from doseopt.designs.policy_table import load_policy
from doseopt.designs.selecting import Selecting
from doseopt.study.file import load_study
from doseopt.study.study import Study

pytestmark = pytest.mark.usefixtures("without_figures")

CASE = Path(__file__).parents[1] / "cases" / "policy-study-elsewhere"
PATIENTS = "patient;dose_level;dlt\na;1;no\nb;2;no\nc;2;yes\nd;2;no\n".replace(";", ",")


@pytest.fixture
def here(tmp_path, monkeypatch):
    shutil.copytree(CASE, tmp_path / "source")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments):
    ran = CliRunner().invoke(app, list(arguments))
    assert ran.exit_code == 0, ran.output
    return ran.output


@pytest.mark.parametrize("patients", [None, PATIENTS])
def test_the_reproduction_command_of_a_report_runs_in_an_empty_folder(here, monkeypatch, patients):
    arguments = ["report", "source/study.toml"]
    if patients:
        Path("patients.csv").write_text(patients, encoding="utf-8")
        arguments = ["amend", "source/study.toml", "--data", "patients.csv", "--amended", "C"]
    run(*arguments, "--out", "elsewhere")
    page = Path("elsewhere/amendment.html").read_text(encoding="utf-8")
    command = next(unescape(code) for code in re.findall("<pre>(.*?)</pre>", page) if code.startswith("doseopt "))
    (here / "empty").mkdir()
    for file in Path("elsewhere").iterdir():
        if not file.name.startswith("amendment."):
            shutil.copy(file, here / "empty")
    shutil.rmtree("source")
    monkeypatch.chdir(here / "empty")
    run(*shlex.split(command)[1:])
    again, first = (
        xr.open_datatree(f, engine="netcdf4") for f in ("results/amendment.nc", "../elsewhere/amendment.nc")
    )
    assert again.attrs["study_hash"] == first.attrs["study_hash"]
    for name, node in first.subtree_with_keys:
        for variable, values in node.data_vars.items():
            if values.dtype.kind == "f":
                np.testing.assert_array_equal(again[name][variable].to_numpy(), values.to_numpy())


def test_a_calibrated_study_brings_its_policy(here):
    run("calibrate", "source/study.toml", "--design", "B", "--candidates", "8", "--out", "elsewhere")
    assert load_study("elsewhere/calibrated.toml").designs["opt"] == load_study("source/study.toml").designs["opt"]


@pytest.mark.filterwarnings("ignore:Attempting to set identical low and high xlims")  # a frontier of one point
def test_limits_writes_its_own_policies_and_those_of_the_study(here):
    run("limits", "source/study.toml", "--out", "elsewhere")
    shutil.rmtree("source")
    assert {"opt", "3+3", "B", "C"} < set(load_study("elsewhere/optimal.toml").designs)
    assert Path("elsewhere/x.policy").is_file()


def other(table):
    """Another policy of the same course: it selects the lowest dose wherever the first selects another."""
    codes = np.array(table.codes)
    return replace(table, codes=np.where(codes % 4 > 1, codes - codes % 4 + 1, codes).astype(np.uint8))


def test_two_policies_of_one_file_name_stay_two_files(here):
    study = load_study("source/study.toml")
    table = study.designs["opt"].table
    (here / "b").mkdir()
    (here / "elsewhere").mkdir()
    other(table).save(here / "b" / "X.policy")  # the same name where a file system takes capitals for small letters
    second = Policy(3, 0.25, load_policy(here / "b" / "X.policy"))
    crm = Modified(CRM(3, 0.25, skeleton=(0.1, 0.25, 0.4)), (MaxPatients(n=6),))
    third = Selecting(crm, Policy(3, 0.25, replace(table, path="", title="in memory", toxic=None)))
    study = replace(study, designs={**study.designs, "other": second, "inside": Modified(second, (MaxPatients(n=6),))})
    written = study.save(here / "elsewhere" / "study.toml")
    assert [path.name for path in written] == ["x.policy", f"X-{second.digest}.policy", "study.toml"]
    shutil.rmtree("source")
    shutil.rmtree("b")
    again = load_study("elsewhere/study.toml")
    assert again.designs == study.designs
    assert again.hash == study.hash
    assert third.selector.table.in_file() == f"{third.selector.digest}.policy"


def test_a_policy_that_cannot_be_written_leaves_no_study(here, monkeypatch):
    study = load_study("source/study.toml")
    (here / "elsewhere").mkdir()

    def fail(self):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Study, "to_toml", fail)
    with pytest.raises(OSError, match="No space"):
        study.save(here / "elsewhere" / "study.toml")
    assert list((here / "elsewhere").iterdir()) == []


def test_a_study_from_elsewhere_names_files_of_its_own_folder_only(here):
    text = Path("source/study.toml").read_text(encoding="utf-8")
    shutil.copy("source/x.policy", here)
    (here / "source" / "sub").mkdir()
    shutil.copy("source/x.policy", "source/sub")
    (here / "source" / "link.policy").symlink_to(here / "x.policy")
    for name in ("x.policy", "sub/x.policy", "sub/../x.policy"):
        Path("source/study.toml").write_text(text.replace('"x.policy"', f'"{name}"'), encoding="utf-8")
        assert load_study("source/study.toml", trusted=False) == load_study("source/study.toml")
    for name in (here / "x.policy", "../x.policy", "sub/../../x.policy", "link.policy"):
        Path("source/study.toml").write_text(text.replace('"x.policy"', f'"{name}"'), encoding="utf-8")
        assert load_study("source/study.toml").designs["opt"]
        with pytest.raises(Faults, match="wanted a file in the folder of the study"):
            load_study("source/study.toml", trusted=False)


@pytest.mark.parametrize("name", ["/dev/zero", "/dev/stdin", ".", "x" * 5000, "~", "nul\\n"])
def test_what_is_no_file_is_a_fault_and_never_read(here, name):
    text = Path("source/study.toml").read_text(encoding="utf-8")
    Path("source/study.toml").write_text(text.replace('"x.policy"', f'"{name}"'), encoding="utf-8")
    with pytest.raises(Faults, match="cannot be read"):
        load_study("source/study.toml")
