"""Events in the DLT window: studies drawn from readings, probabilities, populations and cohorts, patient by patient."""

import numpy as np
import oracle
import pytest
import tomli_w
from oracle_lost import Chances, lost
from oracle_window import patient

from doseopt.comparison.in_time import laws_of
from doseopt.engines.exact import Exact
from doseopt.study.file import parse_study

RATES = {"A": (0.08, 0.20, 0.40), "B": (0.30, 0.35, 0.60)}
PARTS, STUDIES = 6, 12
RULES = {
    "3+3": ({"kind": "three_plus_three"}, lambda d, cap: oracle.Trials(oracle.ThreePlusThree(d), cap=cap)),
    "titration": (
        {"kind": "accelerated_titration", "titrate": 1, "titration_cohort": 1, "trigger": "first_dlt"},
        lambda d, cap: oracle.Trials(oracle.AcceleratedTitration(d, titrate=1), cap=cap),
    ),
    "BOIN in twos": ({"kind": "boin", "cohort": 2}, lambda d, cap: oracle.Trials(oracle.BOIN(d, cohort=2), cap=cap)),
    "BOIN in threes": ({"kind": "boin"}, lambda d, cap: oracle.Trials(oracle.BOIN(d), cap=cap)),
}


def drawn(rng):
    """A study as its file, and what is needed to enumerate it."""
    doses, onset = int(rng.integers(2, 4)), str(rng.choice(["constant", "uniform"]))
    shares = {"CLF": 0.3, "ACLF": 0.7} if rng.random() < 0.5 else {}
    events, each = {}, []
    names = rng.permutation(["death", "transplantation", "dropout"])[: rng.integers(1, 4)]
    for name in names.tolist():
        reading = str(rng.choice(["dlt", "replace", "complete", "exclude"]))
        share = float(rng.choice([0.0, 0.4])) if name != "dropout" and reading != "dlt" else 0.0
        kind = str(rng.choice(["one", "doses", "scenario", *(["population"] if shares else [])]))
        value = rng.choice([0.0, 0.1, 0.25, 0.4], size=3).tolist()
        said, at = {
            "one": (value[0], lambda s, b, j, v=value: v[0]),
            "doses": (value[:doses], lambda s, b, j, v=value: v[j]),
            "scenario": ({"scenario": {"A": value[0], "B": value[1]}}, lambda s, b, j, v=value: v["AB".index(s)]),
            "population": ({"CLF": value[0], "ACLF": value[1]}, lambda s, b, j, v=value: v[b]),
        }[kind]
        events[name] = {"probability": said, "reading": reading} | ({"attributed": share} if share else {})
        each.append((at, reading, share))
    rule = str(rng.choice(list(RULES)))
    table, second = RULES[rule]
    cap = None if rule in ("3+3", "titration") else int(rng.integers(5, 9))
    most = int(rng.integers(4, 9)) if rng.random() < 0.5 else None
    limits = [{"kind": "max_patients", "n": cap}] if cap else []
    limits += [{"kind": "max_enrolled", "n": most}] if most else []
    document = {
        **{"title": "drawn", "target": 0.25, "doses": {"labels": [str(j + 1) for j in range(doses)]}},
        "scenarios": {name: list(p[:doses]) for name, p in RATES.items()},
        "window_events": events,
        "clock": {"window": 28, "accrual": {"kind": "poisson", "per_month": 1}, "onset": {"kind": onset}},
        "designs": {"drawn": table | ({"modifiers": limits} if limits else {})},
    } | ({"populations": {"shares": shares}} if shares else {})

    def mixture(scenario, j):
        """Of a patient enrolled at a dose: replaced, left out, a DLT, none."""
        parts = list(shares.values()) or [1.0]
        at = [[(of(scenario, b, j), reading, share) for of, reading, share in each] for b in range(len(parts))]
        return sum(part * patient(RATES[scenario][j], those, onset) for part, those in zip(parts, at, strict=True))

    return document, doses, second(doses, cap), most, mixture


@pytest.mark.parametrize("part", range(PARTS))
def test_drawn_studies_are_exact(part):
    """Rates, selection, evaluable and enrolled patients, and the sd of those enrolled where they are capped."""
    rng = np.random.default_rng((16, part))
    for _ in range(STUDIES):
        document, doses, trials, most, mixture = drawn(rng)
        study = parse_study(tomli_w.dumps(document))
        design, said = study.designs["drawn"], str(document)
        outcomes, law = Exact()(design, study.scenarios), laws_of(study, Exact(), design, np.inf)[0]
        for s, scenario in enumerate(RATES):
            replaced, out, dlt, none = np.array([mixture(scenario, j) for j in range(doses)]).T
            rate = dlt / (dlt + none)
            np.testing.assert_allclose(study.scenarios["p_observed"][s], rate, rtol=1e-12, err_msg=said)
            ways = tuple(replaced) if most else (0.0,) * doses, tuple(out / (1 - replaced)), tuple(rate)
            wanted, patients, number = lost(trials, Chances(*ways, (0.0,) * doses), most)
            weight = outcomes["weight"][s]
            found = [float(weight[outcomes["selected"].to_numpy() == k].sum()) for k in range(-1, doses)]
            np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12, err_msg=said)
            np.testing.assert_allclose(weight @ outcomes["n"], patients, rtol=0, atol=1e-11, err_msg=said)
            if most and "enrolled_sd" in law:
                k, chance = np.array(list(number)), np.array(list(number.values()))
                sd = np.sqrt(((k - k @ chance) ** 2) @ chance)
                np.testing.assert_allclose(law["enrolled_sd"][s], sd, rtol=1e-7, atol=1e-7, err_msg=said)
