"""Naming rules and definitions of right in words and tables, by hand."""

import numpy as np
from reports.test_tables import hand_made

from doseopt.reports.sections.findings import findings
from doseopt.reports.sections.like_for_like import like_for_like

NAMES = ["3+3", "CRM", "CRM 20"]


def made(registered="3+3", cap=(10, 10, 20), **correct):
    """Two scenarios, the second without a right dose; three designs under naming rules and by definitions."""
    ds = hand_made([[[0.5, 0, 0], [0, 0, 0]]] * 3, [[1, 0, 0], [0, 0, 0]], cap=cap, fewest=[[3] * 3] * 3, names=NAMES)
    each = {"as read": (0.2, 0.5, 0.7), "any": (0.45, 0.5, 0.7), "at least 6": (0.2, 0.25, 0.65)} | correct
    for name, scale in (("correct", 1), ("overdose", 0.5), ("few", 0)):
        value = scale * np.array([[[v + 0.1, v - 0.1] for v in row] for row in each.values()])
        ds[f"{name}_by_naming"] = (("naming", "design", "scenario"), value)
    rules = [f"the rule {name}" for name in each]
    return ds.assign_coords(naming=list(each), naming_rule=("naming", rules)).assign_attrs(registered=registered)


def with_definitions(ds, ahead):
    value = np.full((3, 3, 2), 0.3)
    for k, d in enumerate(ahead):
        value[k, d] = 0.6
    targets = [[np.nan, 0.25, 0.3], [np.nan, 0.25, 0.3], [np.nan, 0.2, 0.3]]
    ds["correct_by_definition"] = (("definition", "design", "scenario"), value)
    ds["overdose_by_definition"] = (("definition", "design", "scenario"), value / 3)
    ds["below_by_definition"] = (("definition", "design", "scenario"), np.where([True, False], 10 * value, np.nan))
    ds["below_by_definition"].attrs["units"] = "patients"
    ds["design_target"] = (("definition", "design"), targets)
    labels = ["main", "below", "at 0.2"]
    return ds.assign_coords(
        definition=labels, definition_rule=("definition", [f"Correct selection: {x}." for x in labels])
    )


def said(ds, start):
    return [text for text in findings(ds) if text.startswith(start)]


def test_the_lead_at_the_same_cap_is_split_into_naming_rule_and_design():
    assert said(made(), "CRM selects correctly 3") == [
        "CRM selects correctly 30.0 points more often than 3+3 at the same cap: 25.0 are due to when 3+3 may name a "
        "dose, 5.0 to the design. If both must meet the protocol's definition, 25.0% against 20.0%."
    ]


def test_without_a_rival_at_the_same_cap_the_best_of_all_is_compared():
    (text,) = said(made(cap=(10, 15, 20)), "CRM 20 selects correctly 5")
    assert "50.0 points more often than 3+3: 25.0 are due to when 3+3 may name a dose, 25.0 to the design." in text


def test_what_the_other_design_withholds_is_told():
    (text,) = said(made(any=(0.45, 0.6, 0.7)), "CRM selects correctly 3")
    assert "25.0 are due to when 3+3 may name a dose, 15.0 to the design, less 10.0 for when CRM may." in text


def test_no_sentence_without_content():
    assert "to the design" not in " ".join(findings(made(any=(0.2, 0.5, 0.7))))
    assert "to the design" not in " ".join(findings(made(registered="")))
    assert "to the design" not in " ".join(findings(made(registered="CRM", any=(0.2, 0.6, 0.7))))
    assert not said(with_definitions(made(), [1, 1, 1]), "Who is ahead")


def test_who_is_ahead_by_which_definition():
    assert said(with_definitions(made(), [1, 2, 1]), "Who is ahead") == [
        "Who is ahead depends on what is right: by the study's own, CRM (60.0%, overdose 20.0%); below, CRM 20 (60.0%, "
        "overdose 20.0%); at 0.2, CRM (60.0%, overdose 20.0%)."
    ]


def test_the_tables():
    heading, rules, right, definitions = like_for_like(with_definitions(made(), [1, 2, 1]))
    assert heading.text == "Like for like, and by other definitions of right"
    assert rules.groups == (("as read", 2), ("any", 2), ("at least 6", 2))
    assert rules.rows[0] == ("3+3", "20.0", "10.0", "45.0", "22.5", "20.0", "10.0")
    assert rules.marked == {(2, 1), (0, 2), (2, 3), (0, 4), (2, 5), (0, 6)}
    assert rules.notes[0] == "As read: the rule as read."
    assert right.rows[0] == ("3+3", "30.0", "15.0", "55.0", "27.5", "30.0", "15.0")
    assert definitions.rows[1] == ("CRM", "60.0", "20.0", "6.0", "30.0", "10.0", "3.0", "60.0", "20.0", "6.0")
    assert definitions.head[:4] == ("", "correct", "overdose", "<MTD")
    assert definitions.notes[-1] == ("at 0.2: CRM put on its target, 0.2; 3+3 cannot be; CRM 20 keeps its own target.")


def test_a_comparison_without_naming_rules_says_nothing():
    assert like_for_like(made().drop_dims("naming")) == []
