"""Studies that say what the optimal biological dose is: read, written, refused; and the measures that follow."""

import numpy as np
import pytest

from doseopt import BOIN12, Exact, Faults, Simulate, compare, operating_characteristics
from doseopt.engines.exact import state_weights
from doseopt.engines.graph import graph_of
from doseopt.reports.render.terminal import terminal_text
from doseopt.reports.sections.comparison import comparison_document
from doseopt.study.file import parse_study

TEXT = """
title = "Efficacy, too"
target = 0.35
[obd]
phi_e = 0.3
u2 = 30
u3 = 50
[doses]
labels = ["1", "2", "3"]
[scenarios]
"plateau" = { p_dlt = [0.05, 0.15, 0.30], p_eff = [0.2, 0.5, 0.5] }
"futile" = { p_dlt = [0.10, 0.20, 0.30], p_eff = 0.05 }
[designs."BOIN12"]
kind = "boin12"
u2 = 40
modifiers = [{ kind = "max_patients", n = 12 }]
[designs."BOIN"]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 12 }]
"""


@pytest.fixture(scope="module")
def study():
    return parse_study(TEXT)


def test_designs_take_what_the_study_says_unless_they_say_it(study):
    rule = study.designs["BOIN12"].base
    assert isinstance(rule, BOIN12)
    assert (rule.target, rule.phi_e, rule.u2, rule.u3) == (0.35, 0.3, 40, 50)
    assert (study.obd.phi_t, study.obd.u2) == (0.35, 30)


def test_written_and_read_it_is_the_same_study(study):
    again = parse_study(study.to_toml())
    assert again == study
    assert again.hash == study.hash
    assert parse_study(TEXT.replace("u3 = 50", "u3 = 51")).hash != study.hash
    assert parse_study(TEXT.replace("phi_e = 0.3", "phi_e = 0.3\nphi_t = 0.35")).hash == study.hash


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (", p_eff = 0.05", "", "scenarios.futile: wanted p_eff, the efficacy rates by which [obd] says"),
        ("0.5, 0.5]", "0.5, 1.5]", "scenarios.plateau.p_eff[2]: wanted a number in [0, 1], got 1.5"),
        ("0.5, 0.5]", "0.5]", "scenarios.plateau.p_eff: wanted 3 rates, one a dose, got 2"),
        ("phi_e = 0.3", "phi_e = 1.3", "obd.phi_e: wanted a number in [0, 1), got 1.3"),
        ("u3 = 50", "u4 = 50", "obd.u4: unknown key"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(old, new, message):
    with pytest.raises(Faults) as raised:
        parse_study(TEXT.replace(old, new))
    assert message in str(raised.value)


def test_a_design_that_looks_at_efficacy_needs_its_rates():
    text = TEXT.replace("[obd]\nphi_e = 0.3\nu2 = 30\nu3 = 50\n", "").replace(", p_eff = 0.05", "")
    with pytest.raises(Faults, match=r"designs.BOIN12: looks at efficacy; wanted p_eff in every scenario, missing in"):
        compare(parse_study(text))


def test_measures_from_the_endings(study):
    """The OBD is dose 2 in the first scenario, and none is right in the second."""
    outcomes = study.evaluate("BOIN12")
    found = operating_characteristics(outcomes)
    assert outcomes["obd"].values.tolist() == [1, -1]
    weight, selected = outcomes["weight"].to_numpy(), outcomes["selected"].to_numpy()
    wanted = [weight[0] @ (selected == 1), weight[1] @ (selected == -1)]
    assert found["correct_obd_selection"].values == pytest.approx(wanted, abs=1e-14)
    n, q = outcomes["n"].to_numpy(), outcomes["p_eff"].to_numpy()
    assert found["responses"].values == pytest.approx([w @ (n @ e) for w, e in zip(weight, q, strict=True)], abs=1e-12)
    assert found["patients_at_obd"].values == pytest.approx([weight[0] @ n[:, 1], 0], abs=1e-12)
    worth = np.append(study.obd.utility(outcomes["p_dlt"][0], q[0]), 0)
    assert found["selected_utility"].values[0] == pytest.approx(weight[0] @ worth[selected], abs=1e-12)


def test_responses_are_those_that_the_design_counts(study):
    """Wald: expected patients times the rate, however the design chooses; here counted by its memory."""
    graph = graph_of(study.designs["BOIN12"])
    p, q = (study.scenarios[name].to_numpy() for name in ("p_observed", "p_eff"))
    counted = state_weights(graph, p, graph.ending, q) @ graph.state.memory[graph.ending, :3].sum(axis=1)
    found = operating_characteristics(study.evaluate("BOIN12"))["responses"].to_numpy()
    assert found == pytest.approx(counted, abs=1e-12)


def test_simulated_measures_have_their_errors(study):
    exact, drawn = (
        operating_characteristics(study.evaluate("BOIN12", engine=engine))
        for engine in (Exact(), Simulate(trials=4000))
    )
    for name in ("correct_obd_selection", "patients_at_obd", "responses", "selected_utility"):
        apart = np.abs(exact[name] - drawn[name]).to_numpy()
        assert (apart <= 4 * drawn[f"{name}_mcse"].to_numpy() + 1e-9).all()


def test_the_comparison_shows_them_for_all_designs(study):
    result = compare(study)
    assert result["correct_obd_selection"].notnull().all()
    text = str(terminal_text(comparison_document(result), 200))
    for words in (
        "The optimal biological dose is selected most often, averaged over the 2 scenarios, by ",
        "Correct selection of the OBD",
        "OBD: the dose with",
    ):
        assert words in text


def test_without_it_nothing_of_it_is_there():
    text = TEXT.replace("[obd]\nphi_e = 0.3\nu2 = 30\nu3 = 50\n", "")
    found = operating_characteristics(parse_study(text).evaluate("BOIN"))
    assert not {"correct_obd_selection", "responses"} & set(found)
