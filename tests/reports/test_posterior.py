"""The posterior of a trial in words: whether prior and data agree, and the same tables in a report and a command."""

import numpy as np
import pytest

from doseopt import load_study
from doseopt.conduct.posterior import analyse
from doseopt.records.trial import Trial
from doseopt.reports.sections.posterior import conflict, posterior_document, posterior_tables


@pytest.fixture(scope="module")
def summary():
    study = load_study("renji-elo-first")
    return analyse(study, Trial.from_outcomes("1N 2NNT", study.doses)).summary


def with_tails(ds, total, *each):
    ds = ds.copy()
    ds["prior_tail"] = ("dose", np.array(each))
    return ds.assign_attrs(prior_tail_total=total)


def test_data_that_the_prior_did_not_expect_are_a_conflict(summary):
    (said,) = conflict(with_tails(summary, 0.2, 0.04, 0.5, np.nan, np.nan))
    assert said.strong
    assert said.text.startswith("Prior and data disagree: ")
    assert "20.0% in total, and of 4.0% at 0.15, 50.0% at 0.5. Below 5% " in said.text
    (said,) = conflict(with_tails(summary, 0.2, 0.06, 0.5, np.nan, np.nan))
    assert not said.strong
    assert said.text.startswith("Prior and data do not disagree: ")


def test_without_data_there_is_nothing_to_disagree_with(summary):
    nothing = with_tails(summary, np.nan, *4 * [np.nan])
    assert conflict(nothing) == []
    assert posterior_document(nothing, {}).sections == ()
    assert posterior_document(summary, {}).sections == ("Prior and data",)


def test_what_is_said_of_each_dose(summary):
    table, sensitivity = posterior_tables(summary, "after the first four")
    assert table.caption.startswith("DLT rate (%) at each dose, after the first four: posterior, and probability (%)")
    assert [row[1] for row in table.rows] == ["0/1", "1/3", "0/0", "0/0"]
    for j, name in ((2, "mean"), (3, "sd"), (5, "p_under"), (8, "p_above_target")):
        assert [row[j] for row in table.rows] == [f"{100 * v:.1f}" for v in summary[name].to_numpy()]
    middle, prior = (
        row[sensitivity.head.index(name)] for row in sensitivity.rows[:1] for name in ("prior sd x 1", "prior alone")
    )
    assert middle == "{:.1f} ({:.1f} to {:.1f})".format(*(100 * summary[n].item(0) for n in ("mean", "lower", "upper")))
    assert prior == "{:.1f} ({:.1f} to {:.1f})".format(
        *(100 * summary[f"prior_{n}"].item(0) for n in ("mean", "lower", "upper"))
    )
