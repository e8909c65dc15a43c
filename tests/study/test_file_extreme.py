"""Study files that are extreme or hostile: faults with their place, all in one round, never a traceback."""

import math

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st
from study.test_file import FULL, PATHS, SMALL, changed, faults, parse

from doseopt.core.parameters import Faults
from doseopt.designs import DESIGNS
from doseopt.designs.modifiers import MODIFIERS
from doseopt.study.absent import ABSENT, ALSO
from doseopt.study.file import load_study, parse_study
from doseopt.study.parsing import MOST_DEPTH, MOST_LETTERS

CAPPED = [{"kind": "max_patients", "n": 12}]
BLRM = {"kind": "blrm", "reference_dose": 2.0, "modifiers": CAPPED}
DOSES = {"labels": ["a", "b", "c"], "values": [1.0, 2.0, 4.0], "unit": "mg"}


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 2**63, 10**400, -(10**4000)])
@pytest.mark.parametrize("path", [p for p in PATHS if isinstance(changed(p, 0, FULL), dict)], ids=str)
def test_no_number_of_any_place_may_be_unusable(path, number):
    place = FULL
    for name in path:
        place = place[name]
    if isinstance(place, int | float) and not isinstance(place, bool):
        found = faults(changed(path, number, FULL))
        assert len(found) == 1, found
        shown = "more than 64 bits" if isinstance(number, int) else repr(number)
        assert shown in found[0].split("got ", 1)[1], found


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("k", [0, 1, 2])
def test_a_dose_that_is_no_number_is_one_fault_of_the_doses(value, k):
    values = [1.0, 2.0, 4.0]
    values[k] = value
    document = changed(["doses"], DOSES | {"values": values}, changed(["designs", "blrm"], BLRM))
    (found,) = faults(document)
    assert found.startswith("doses.values: wanted increasing numbers above 0, got (")


def test_a_whole_number_of_thousands_of_digits_is_found_by_its_line():
    (found,) = faults(f'title = "x"\ntarget = {"1" * 5000}\n')
    assert found == "wanted numbers that fit into 64 bits, got one of 5,000 digits (at line 2)"


@pytest.mark.parametrize(
    "text",
    [
        f"a = {'[' * 100_000}",
        f"a = {'{a=' * 50_000}",
        f"{'a.' * 100_000}a = 1",
        "".join(f"{'a.' * 500}b{i} = 1\n" for i in range(100)),
        f"[{'a.' * 1000}a]",
        "[" + '"a".' * 1000 + "a]",
        "x = { " + "'a' . " * 1000 + "a = 1 }",
    ],
    ids=range(7),
)
def test_what_is_nested_too_deep_is_one_fault(text):
    deep = f"wanted at most {MOST_DEPTH} tables and lists inside each other, got more"
    found = [f for f in faults(text) if deep in f]
    assert len(found) == 1
    assert len(found[0]) < 300


def test_a_file_of_a_million_letters_is_refused_unread(tmp_path):
    text = tomli_w.dumps(SMALL) + "#" * 10**6
    wanted = f"wanted a file of at most {MOST_LETTERS:,} letters, got {len(text):,}"
    assert faults(text) == [wanted]
    (tmp_path / "a.toml").write_text("#" * (4 * MOST_LETTERS + 1))
    with pytest.raises(Faults, match=rf"wanted a file of at most {MOST_LETTERS:,} letters"):
        load_study(tmp_path / "a.toml")


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x0b", "\x1b", "\x7f", "\x9b", "\u202e", "\u2066", "\ufeff"])
def test_characters_that_cannot_be_seen_are_named_wherever_they_stand(character):
    texts = [p for p in PATHS if isinstance(p[-1], str)]
    code = f"U+{ord(character):04X}"
    for path in texts:
        place = FULL
        for name in path:
            place = place[name]
        if isinstance(place, str):
            (found,) = faults(changed(path, f"a{character}b", FULL))
            assert code in found, found
    for path in (["scenarios", f"a{character}b"], ["designs", f"a{character}b"]):
        value = [0.1, 0.2, 0.3] if path[0] == "scenarios" else {"kind": "three_plus_three"}
        (found,) = faults(changed(path, value, FULL))
        assert found.endswith(f"got {code}")
        assert character not in found
    document = changed(["amendment"], {"registered": "crm", "statements": {"reason": f"a{character}"}}, FULL)
    assert code in faults(document)[0]


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (["doses", "labels"], ["a", "b\nc", "d"], "doses.labels: label 2: wanted a name on one line"),
        (["doses", "labels"], ["a", "", "d"], "doses.labels: label 2: wanted a name, got ''"),
        (["doses", "labels"], ["a", " ", "d"], "doses.labels: label 2: wanted a name, got ' '"),
        (["doses", "labels"], ["a", "b" * 1000, "d"], "doses.labels: label 2: wanted a name of at most"),
        (["designs", ""], {"kind": "three_plus_three"}, 'designs."": wanted a name'),
        (["scenarios", ""], [0.1, 0.2, 0.3], 'scenarios."": wanted a name'),
        (["designs", "a\nb"], {"kind": "three_plus_three"}, 'designs."a\\nb": wanted a name on one line'),
        (["title"], "x" * 100_000, "title: wanted at most 20,000 letters"),
        (
            ["designs", "b"],
            {"kind": "boin", "modifiers": [{"kind": "run_in", "levels": 99}, *CAPPED]},
            "designs.b.modifiers[0].levels: wanted 1 to 3 levels, got 99",
        ),
        (
            ["designs", "b"],
            {"kind": "boin", "modifiers": [*CAPPED, *CAPPED]},
            "designs.b.modifiers[1]: wanted at most one cap rule, got 2",
        ),
        (
            ["designs", "b"],
            {"kind": "boin", "modifiers": [{"kind": "coherent"}, {"kind": "coherent"}, *CAPPED]},
            "designs.b.modifiers[1]: stands already in modifiers[0]",
        ),
        (
            ["designs", "b"],
            {"kind": "boin", "cohort": 20, "modifiers": [{"kind": "run_in", "levels": 1}, *CAPPED]},
            "designs.b.modifiers: wanted a cap of at least one cohort of 20, got 12",
        ),
        (
            ["designs", "b"],
            {"kind": "boin", "modifiers": [{"kind": "cohorts_in_order", "sizes": [1, 20]}, *CAPPED]},
            "designs.b.modifiers: wanted a cap of at least one cohort of 20, got 12",
        ),
    ],
)
def test_what_was_accepted_without_a_word_is_one_fault(path, value, said):
    found = faults(changed(path, value))
    assert len(found) == 1, found
    assert found[0].startswith(said)


def test_a_table_that_a_trial_runs_out_of_is_a_fault_before_it_does():
    table = ["3: E S D DU", "6: E E S D DU DU DU", "9: E E S S D D DU DU DU DU"]
    design = {"kind": "table", "decisions": table, "modifiers": [{"kind": "max_patients", "n": 9}]}
    assert parse(changed(["designs", "t"], design)).designs["t"].facts.cap == 9
    (found,) = faults(changed(["designs", "t"], design | {"modifiers": CAPPED}))
    assert found.startswith("designs.t.decisions: wanted a row for n = 12 at dose level 1")
    stopped = [{"kind": "enough_at_dose", "n": 9, "dose": "any"}, *CAPPED]
    assert parse(changed(["designs", "t"], design | {"modifiers": stopped})).designs["t"].facts.cap == 12


def test_a_size_rule_replaces_the_cohort_that_the_cap_is_compared_with():
    design = {"kind": "boin", "cohort": 20, "modifiers": [{"kind": "cohorts_in_order", "sizes": [1, 3]}, *CAPPED]}
    assert parse(changed(["designs", "b"], design)).designs["b"].facts.cap == 12


def test_what_doseopt_does_not_have_is_called_that():
    for kind in ("uboin", "U-BOIN", "tite_blrm", "TITE-Keyboard", "pod_tpi", "boin_et", "efftox"):
        (found,) = faults(changed(["designs", "3+3", "kind"], kind))
        assert f"unknown kind {kind!r}: doseopt does not have " in found
        assert "did you mean" not in found
    (found,) = faults(changed(["efficacy"], {"rate": 0.3}))
    assert found.startswith("efficacy: unknown key: doseopt does not have an efficacy endpoint")
    for kind, meant in (
        ("3+3", "three_plus_three"),
        ("TITE-CRM", "tite_crm"),
        ("titeboin", "tite_boin"),
        ("Rolling 6", "rolling_six"),
        ("EWOC", 'blrm with rule = "ewoc"'),
    ):
        (found,) = faults(changed(["designs", "3+3", "kind"], kind))
        assert found.endswith(f"; did you mean {meant!r}?")
    assert not {*ABSENT} & {*DESIGNS, *MODIFIERS}
    assert {name.split()[0] for name in ALSO.values()} <= {*DESIGNS, *MODIFIERS}


FAULTY = {
    "title": "a\x0bb",
    "target": 0.25,
    "planned_enrolment": 0,
    "efficacy": {"rate": 1},
    "mtd": {"rule": "closets"},
    "doses": {"labels": ["a", "b", "c"], "values": [1.0, math.nan, 3.0], "unit": "mg"},
    "dropout": {"rate": 1.5},
    "scenarios": {
        "r": {"generator": "paoleti", "count": 0, "seed": 1},
        "t": {"p_dlt": [0.1, 0.2, 0.3], "transform": {"kind": "mixture", "other": [0.1, 2], "weight": 0.5}},
        "short": [0.1, 0.2],
    },
    "belief": {"kind": "logistc", "location": "x"},
    "utility": {"per_dlt": -1},
    "posterior": {"model": "blrm", "reference_dose": -2.0},
    "designs": {
        "a": {"kind": "uboin", "cutoff": 2.0, "modifiers": [{"kind": "max_patients", "n": 0}], "drop": ["z"]},
        "b": {"kind": "bion", "cohort": 0, "cutof": 0.9},
        "c": {"kind": "blrm", "reference_dose": 2.0, "feasibility": 7, "selection": {"kind": "tite_blrm"}},
        "d": {"kind": "policy", "table": "none.policy"},
        " e": {"kind": "boin", "modifiers": [{"kind": "max_patients", "n": 10**30}]},
        "f": {"kind": "boin", "modifiers": [{"kind": "run_in", "levels": 99}, *CAPPED]},
        "g": {"kind": "boin"},
    },
    "amendment": {"registered": "3+4", "interims": {"x": "1Q"}, "statements": {"reasn": "x"}},
}


def test_faults_of_every_sort_come_in_one_round():
    assert sorted(f.split(": ")[0] for f in faults(FAULTY)) == sorted(
        [
            *("title", "planned_enrolment", "efficacy", "mtd.rule", "doses.values", "dropout.rate"),
            *("scenarios.r.generator", "scenarios.r.count", "scenarios.t.transform.other", "scenarios.short"),
            *("belief.kind", "belief.location", "utility.per_dlt", "posterior.reference_dose"),
            *("designs.a.kind", "designs.a.cutoff", "designs.a.modifiers[0].n", "designs.a.drop[0]"),
            *("designs.b.kind", "designs.b.cohort", "designs.b.cutof", "designs.c.feasibility"),
            *("designs.c.selection.kind", "designs.d.table[none.policy]", 'designs." e"'),
            *('designs." e".modifiers[0].n', "designs.f.modifiers[0].levels", "designs.g.modifiers"),
            *("amendment.registered", "amendment.interims.x", "amendment.statements.reasn"),
        ]
    )


def test_a_message_is_bounded_whatever_came():
    document = changed(["scenarios"], {f"s{i}": 0 for i in range(2000)})
    with pytest.raises(Faults) as caught:
        parse(document)
    assert len(str(caught.value)) < 500_000
    assert "... and 1,900 more" in str(caught.value)
    assert all(len(f.message) <= 2000 and len(f.where) <= 1000 for f in caught.value.faults)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.data())
def test_a_file_with_letters_changed_is_a_study_or_faults(data):
    text = tomli_w.dumps(FULL)
    for _ in range(data.draw(st.integers(1, 4))):
        at, length = data.draw(st.integers(0, len(text))), data.draw(st.integers(0, 12))
        text = text[:at] + data.draw(st.text(st.characters(codec="utf-8"), max_size=4)) + text[at + length :]
    try:
        study = parse_study(text)
    except Faults:
        return
    assert parse_study(study.to_toml()).hash == study.hash


def test_a_table_that_selects_has_a_row_for_what_its_trials_show():
    selection = {"kind": "table", "decisions": ["3: E S D DU"]}
    design = {"kind": "boin", "modifiers": [{"kind": "max_patients", "n": 6}], "selection": selection}
    (found,) = faults(changed(["designs"], {"x": design}))
    assert "wanted a row for n = 6" in found
