"""What a page asks, without a page."""

from pathlib import Path

import pytest
from app_study import SMALL

from doseopt import Faults, load_study
from doseopt.app.desk import Desk
from doseopt.app.editing import bundled
from doseopt.app.verbs import LONG, VERBS
from doseopt.conduct.next_dose import next_dose
from doseopt.reports.given import trial_of


def ask(desk, verb, **given):
    return VERBS[verb](desk, given, lambda _: None)


@pytest.fixture
def desk():
    opened = Desk(100_000)
    assert ask(opened, "read", text=SMALL)["faults"] == []
    return opened


def test_a_study_that_is_read_says_what_a_page_shows(desk):
    study = ask(desk, "read", text=SMALL)["study"]
    assert (study["labels"], study["start"], list(study["designs"])) == (["level 1", "level 2"], [0.1, 0.25], ["BOIN"])
    assert desk.command == "study.toml"


def test_a_bundled_study_is_known_by_its_text():
    opened = Desk(1000)
    study = ask(opened, "read", text=bundled()["renji-elo"])["study"]
    assert (opened.command, study["hash"]) == ("renji-elo", load_study("renji-elo").hash)
    assert study["unit"] == "×10⁹ cells"


def test_all_faults_stand_beside_their_lines():
    wrong = SMALL.replace("0.25\n[doses]", "25\n[doses]").replace("n = 9", "n = 0").replace("mild", "mild x")
    assert [each["line"] for each in ask(Desk(1), "read", text=wrong)["faults"]] == [7]
    wrong = wrong.replace("mild x", "mild")
    found = ask(Desk(1), "read", text=wrong)["faults"]
    assert [(each["line"], each["where"]) for each in found] == [(3, "target"), (10, "designs.BOIN.modifiers[0].n")]


def test_a_study_that_cannot_be_read_leaves_the_last_one(desk):
    assert ask(desk, "read", text="title =")["faults"]
    assert desk.known.title == "Small"


@pytest.mark.parametrize("name", ["kept.policy", "../kept.policy", "/etc/passwd"])
def test_no_file_that_a_study_names_is_read(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("kept.policy").write_text("secret")
    named = SMALL + f'[designs.other]\nkind = "policy"\ntable = "{name}"\n'
    (found,) = ask(Desk(1), "read", text=named)["faults"]
    assert "wanted a study that names no file" in found["message"]
    assert "secret" not in str(found)


def test_numbers_at_a_curve_with_the_command_that_finds_them(desk):
    found = ask(desk, "curve", p=[0.1, 0.25])
    assert found["right"] == [False, True]
    assert found["command"] == "doseopt compare study.toml --truth '0.1 0.25'"
    at_rest = ask(desk, "at_rest", p=[0.1, 0.25], design="BOIN")["numbers"]["BOIN"]
    assert found["numbers"]["BOIN"]["correct_selection"] == pytest.approx(at_rest["correct_selection"], abs=1e-12)


@pytest.mark.parametrize("p", [[0.1], [0.1, 2], [0.1, None], [0.1, float("nan")], "0.1 0.2", None, [[0.1, 0.2]]])
def test_what_is_no_curve_is_refused(desk, p):
    with pytest.raises(Faults, match="p: wanted"):
        ask(desk, "curve", p=p)


def test_a_graph_beyond_the_budget_is_said():
    small = Desk(20)
    ask(small, "read", text=SMALL)
    found = ask(small, "curve", p=[0.1, 0.25])
    assert (found["numbers"], list(found["refused"])) == ({}, ["BOIN"])


def test_what_is_next_is_what_the_command_says_and_why():
    opened = Desk(1000)
    ask(opened, "read", text=bundled()["renji-elo"])
    found = ask(opened, "trial", outcomes="1N 2NNT")
    study = load_study("renji-elo")
    wanted = next_dose(study, trial_of(study, "1N 2NNT"))["designs"]
    assert {name: one["action"] for name, one in found["designs"].items()} == {
        n: w["action"] for n, w in wanted.items()
    }
    boin = found["designs"]["BOIN 10"]
    assert boin["says"] == "3 patients at 0.15 (level 1)"
    assert boin["why"][0].endswith("1 of 3 at 0.5 (33%).")
    assert "By its boundaries 1 of 3 with a DLT at 0.5, the last dose given, says: down." in boin["why"]
    assert any("down if y/n >= 0.2984" in reason for reason in boin["why"])
    assert "Of its estimates that at 0.5 (27%) is closest to the target." in found["designs"]["CRM 10"]["why"]
    assert found["command"] == "doseopt next renji-elo --outcomes '1N 2NNT'"
    assert "0.15" in found["html"]


def test_patients_who_are_pending_are_waited_for_in_words():
    opened = Desk(1000)
    ask(opened, "read", text=bundled()["renji-elo"])
    said = ask(opened, "trial", outcomes="1N 2NN?14")["designs"]["BOIN 10"]
    assert said["action"] == "wait"
    assert any(line.startswith("if the pending patient has a DLT:") for line in said["if"])


def test_patients_of_a_file_are_read_and_leave_no_file(desk, tmp_path, monkeypatch):
    import doseopt.app.given as given

    monkeypatch.setattr(given, "IN_MEMORY", tmp_path)
    table = "patient,dose_level,dlt\nMr Smith,1,0\nB,1,0\nC,1,1\n"
    found = ask(desk, "trial", files=[{"name": "patients.csv", "text": table}])
    assert found["doses"][0]["n"] == 3
    assert found["command"] == "doseopt next study.toml --data patients.csv"
    assert "Smith" not in str(found)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "files",
    [
        [{"name": "../../x.csv", "text": "a"}],
        [{"name": "x.exe", "text": "a"}],
        [{"name": "x.csv", "text": "a" * 2_000_001}],
        [{"name": f"{k}.csv", "text": ""} for k in range(9)],
        [{"name": "x.csv", "text": None}],
        [None],
        "x.csv",
    ],
)
def test_what_is_no_table_is_refused(desk, files):
    with pytest.raises(Faults):
        ask(desk, "trial", files=files)


def test_pages_and_files_of_a_table(desk):
    found = ask(desk, "table", design="BOIN")
    assert found["command"] == "doseopt table study.toml --design BOIN"
    assert ask(desk, "written", name="table", kind="docx")[:2] == b"PK"
    assert ask(desk, "written", name="table", kind="pdf")[:4] == b"%PDF"
    with pytest.raises(Faults, match="wanted a page that is shown"):
        ask(desk, "written", name="../table", kind="pdf")


def test_a_script_in_a_name_stays_a_name(desk):
    evil = SMALL.replace("Small", "<script>alert(1)</script>").replace(".BOIN]", '."<img src=x onerror=alert(1)>"]')
    assert ask(desk, "read", text=evil)["faults"] == []
    found = ask(desk, "trial", outcomes="1NNN")["html"]
    assert "<script>alert" not in found
    assert "<img src=x" not in found
    assert "&lt;script&gt;alert" in found


def test_a_design_of_the_library_is_added_to_the_study(desk):
    assert {"boin", "crm", "tite_boin"} <= ask(desk, "kinds").keys()
    more = ask(desk, "added", text=SMALL, kind="boin", name='my "BOIN"', cap=6, values={"cohort": 2, "unknown": 1})[
        "text"
    ]
    study = ask(desk, "read", text=more)["study"]
    assert list(study["designs"]) == ["BOIN", 'my "BOIN"']
    assert ["cohorts", "2 patients, from level 1"] in study["designs"]['my "BOIN"']["rules"]
    with pytest.raises(Faults, match="does not have yet"):
        ask(desk, "added", text=SMALL, kind="boin", name="BOIN", values={})


def test_what_is_attainable_does_not_depend_on_the_curve():
    opened = Desk(100_000)
    ask(opened, "read", text=SMALL)
    found = ask(opened, "attainable")
    row = found["rows"]["BOIN"]
    assert 0 < row["attained"] <= row["attainable"] <= 1
    assert found["command"] == "doseopt limits study.toml"


def test_maps_compare_designs_of_as_many_patients(desk):
    two = SMALL + SMALL[SMALL.index("[designs.BOIN]") :].replace("BOIN", "CCD").replace('"boin"', '"mtpi"')
    ask(desk, "read", text=two)
    page = ask(desk, "maps")["html"]
    assert "9: BOIN" in page
    ask(desk, "read", text=SMALL)
    assert "No two designs of this study have as many patients" in ask(desk, "maps")["html"]


def test_every_long_verb_is_one():
    assert {*LONG} <= VERBS.keys()
