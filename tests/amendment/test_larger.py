"""Caps that are larger and worse: the scenarios of an independent review, and the trials that lose, path by path."""

import dataclasses
import math

import pytest
from oracle_bundled import SCENARIOS, boin
from oracle_rules import Stop, Trial

from doseopt.amendment.larger import worse_with_more
from doseopt.comparison.compare import compare
from doseopt.designs.layers import with_cap
from doseopt.reports.sections.ladder import larger_sentences
from doseopt.study.file import load_study


@pytest.fixture(scope="module")
def study():
    return load_study("renji-elo-first")


@pytest.fixture(scope="module")
def found(study):
    return worse_with_more(study, study.designs["BOIN 13"], 10)


def correct(cap):
    trials = boin(cap)
    return {
        name: math.fsum(chance for _, _, mtd, chance in trials.weighed(p) if mtd == right)
        for name, (p, right) in SCENARIOS.items()
    }


def test_boin_13_is_worse_than_boin_10_in_six_of_eleven_scenarios(found):
    small, large, next_one = (correct(cap) for cap in (10, 13, 16))
    for name in SCENARIOS:
        assert found.change.sel(scenario=name).item() == pytest.approx(large[name] - small[name], abs=1e-12)
    assert int((found.change < 0).sum()) == 6
    assert found.mended[0] == 16
    assert found.mended[1].min().item() == pytest.approx(min(next_one[n] - small[n] for n in SCENARIOS), abs=1e-12)


def test_most_is_lost_where_one_dlt_in_three_sends_the_last_cohort_down(found):
    """By hand: 1N 2NNN 3NNN and one DLT in three at the top, which BOIN 10 names (0.33 is closer to 0.25 than 0).

    At three patients BOIN goes down from 1/3 > lambda_d = 0.298 on, up with 0 < lambda_e = 0.197: the last cohort is at
    the third dose.
    """
    loss = found.loss
    assert (loss.named, loss.n, loss.y, loss.given, loss.size) == (3, 3, 1, 2, 3)
    assert loss.moves == (0, 1, 0)
    worse = [name for name in SCENARIOS if found.change.sel(scenario=name) < -5e-4]
    lost = [each for name in worse for each in _lost(*SCENARIOS[name])]
    by_hand = [chance for trial, chance in lost if trial.n == (1, 3, 3, 3) and trial.y == (0, 0, 0, 1)]
    assert loss.share == pytest.approx(math.fsum(by_hand) / math.fsum(chance for _, chance in lost), rel=1e-9)
    said = larger_sentences({"BOIN 13": found}, ["one", "two", "three", "four"])[0]
    assert "in 6 of 11 scenarios, by up to 7.9 points" in said
    assert "name four (1 DLT in 3 there) and treat the next 3 patients at three. With 3 patients at a dose" in said
    assert "up with at most 0 and down from 1 on (DLTs): no number lets it stay. With at most 16 patients" in said


def _lost(p, right):
    """The trials of BOIN 13 after 10 patients that are right there, and wrong in the end, with their probability."""
    small, large = boin(10), boin(13)
    nothing = (0,) * 4

    def walk(trial, chance, at_ten):
        at_ten = trial if sum(trial.n) <= 10 else at_ten
        answer = large.decide(trial)
        if isinstance(answer, Stop):
            if small.rule.mtd(at_ten) == right != answer.mtd and sum(trial.n) > 10:
                yield at_ten, chance
            return
        rate, size = p[answer.dose], answer.size
        for dlts in range(size + 1):
            each = math.comb(size, dlts) * rate**dlts * (1 - rate) ** (size - dlts)
            yield from walk(large.treated(trial, answer, dlts), chance * each, at_ten)

    return list(walk(Trial(nothing, nothing), 1.0, None))


def test_a_cap_that_is_nowhere_worse_is_not_told(study):
    assert worse_with_more(study, study.designs["BOIN 10"], 10) is None
    assert worse_with_more(study, study.designs["ATD+3+3 uncapped"], 10) is None


def test_a_cap_mends_a_larger_one_only_if_it_is_worse_in_fewer_scenarios(study):
    """CRM 13 against CRM 10, by the comparison of the study: with 16 patients as many scenarios are worse."""
    base = study.designs["CRM 13"]
    designs = {f"CRM {cap}": with_cap(base, cap) for cap in (10, 13, 16, 19)}
    right = compare(dataclasses.replace(study, designs=designs), posteriors=False)["correct_selection"]
    worse = {
        cap: int((right.sel(design=f"CRM {cap}") < right.sel(design="CRM 10") - 5e-4).sum()) for cap in (13, 16, 19)
    }
    assert worse[16] >= worse[13] > worse[19]
    assert worse_with_more(study, base, 10).mended[0] == 19
