"""The designs and scenarios of the study `renji-elo-first` once more, written out for the oracle."""

import math

from oracle import BOIN, CRM, AcceleratedTitration, Trials

SCENARIOS = {  # true DLT rates, and the right dose (from 0), None where only naming none is right
    "flat": ((0.02, 0.03, 0.04, 0.06), 3),
    "mild": ((0.03, 0.06, 0.10, 0.16), 3),
    "MTD 0.15 steep": ((0.26, 0.48, 0.66, 0.80), 0),
    "MTD 0.15 shallow": ((0.27, 0.36, 0.44, 0.53), 0),
    "MTD 0.5 steep": ((0.06, 0.26, 0.55, 0.78), 1),
    "MTD 0.5 shallow": ((0.13, 0.26, 0.36, 0.46), 1),
    "MTD 1.5 steep": ((0.02, 0.07, 0.26, 0.57), 2),
    "MTD 1.5 shallow": ((0.07, 0.13, 0.26, 0.38), 2),
    "MTD 4.5 steep": ((0.01, 0.03, 0.09, 0.27), 3),
    "MTD 4.5 shallow": ((0.05, 0.09, 0.14, 0.24), 3),
    "too toxic": ((0.42, 0.55, 0.68, 0.80), None),
}


def skeleton(phi=0.25, prior_mtd=2, half=0.05, doses=4):
    """Lee & Cheung 2009, empiric."""
    rates = {prior_mtd: phi}
    for k in range(prior_mtd, doses - 1):
        rates[k + 1] = math.exp(math.log(phi + half) * math.log(rates[k]) / math.log(phi - half))
    for k in range(prior_mtd, 0, -1):
        rates[k - 1] = math.exp(math.log(phi - half) * math.log(rates[k]) / math.log(phi + half))
    return tuple(rates[k] for k in range(doses))


def atd(cap=None, **options):
    return Trials(AcceleratedTitration(4, **options), cap=cap)


def boin(cap, target=0.25):
    return Trials(BOIN(4, target), run_in=(1, False), cap=cap)


def crm(cap, target=0.25):
    rule = CRM(4, target, skeleton=skeleton(target), select_untried=False)
    return Trials(rule, run_in=(1, False), no_skipping="last", coherent="cohort", too_toxic=(0.95, None), cap=cap)


def mean(trials, value, scenarios=SCENARIOS):
    """The mean over scenarios of the expectation of value(n, y, mtd, p, right), in percent."""
    each = [
        math.fsum(chance * value(n, y, mtd, p, right) for n, y, mtd, chance in trials.weighed(p))
        for p, right in scenarios.values()
    ]
    return 100 * math.fsum(each) / len(each)
