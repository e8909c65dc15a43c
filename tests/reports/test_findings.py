"""What the findings of a comparison say where numbers are equal, and how the accuracy of averages is put into words."""

import pytest
from reports.test_tables import NEVER, hand_made

from doseopt.display.labels import accuracy_words, listed
from doseopt.reports.sections.findings import findings

RIGHT = [[0, 1, 0], [0, 0, 1]]


def barred(none, **options):
    """Two scenarios, one design that cannot declare the highest dose and declares none with these probabilities."""
    selection = [[[0, 1 - share, 0] for share in none]]
    return findings(hand_made(selection, RIGHT, cap=[12], fewest=[[9, 9, NEVER]], **options))


@pytest.mark.parametrize(
    ("none", "wanted"),
    [
        ((0.5, 0.75), "50.0% to 75.0% of trials, in 1 of the 2 in more than half."),
        ((0.25, 0.5), "25.0% to 50.0% of trials."),
        ((0.625, 0.75), "62.5% to 75.0% of trials, in 2 of the 2 in more than half."),
        ((0.25, 0.25), "declares none in 25.0% of trials."),
    ],
)
def test_half_of_the_trials_is_not_more_than_half(none, wanted):
    assert barred(none)[0].endswith(wanted)


def test_a_design_of_the_same_cap_is_named_only_if_it_can_declare_all_that_the_other_cannot():
    selection = [[[0.5, 0.5, 0], [0.5, 0.5, 0]]] * 3
    fewest = [[9, NEVER, NEVER], [9, 9, NEVER], [9, 9, 12]]
    same = hand_made(selection, RIGHT, cap=[12, 12, 12], fewest=fewest, planned=-1)
    first, second = findings(same)
    assert first.startswith("D0 stops at 12 patients and cannot declare 30 or 90 mg the MTD under any truth.")
    assert first.endswith("With the same cap, D2 can declare them.")
    assert second.startswith("D1 stops at 12 patients and cannot declare 90 mg the MTD")
    assert second.endswith("With the same cap, D2 can declare it.")
    other = hand_made(selection, RIGHT, cap=[12, 12, 15], fewest=fewest, planned=-1)
    assert not any("With the same cap" in text for text in findings(other))


def test_only_a_design_without_a_cap_is_said_to_have_none():
    selection = [[[0.5, 0.5, 0], [0.5, 0.5, 0]]] * 2
    for cap, said in ((15, False), (NEVER, True)):
        ds = hand_made(selection, RIGHT, cap=[12, cap], fewest=[[9, 9, NEVER], [9, 9, 18]], planned=-1)
        wanted = "D1, without a cap, needs at least 18 patients to declare 90 mg."
        assert (wanted in findings(ds)[0]) == ("without a cap" in findings(ds)[0]) == said


@pytest.mark.parametrize(
    ("error", "wanted"),
    [(0, ""), (float("nan"), ""), (1e-9, "0.01"), (0.0001, "0.01"), (0.000101, "0.02"), (0.0123, "1.23")],
)
def test_the_accuracy_is_rounded_up(error, wanted):
    within = f"integrals: a coarser rule gives the same within {wanted} points" if wanted else ""
    assert accuracy_words(error) == within


def test_names_are_listed():
    assert [listed(list(names)) for names in ("a", "ab", "abc")] == ["a", "a and b", "a, b and c"]
    assert listed(["a", "b", "c"], "or") == "a, b or c"
