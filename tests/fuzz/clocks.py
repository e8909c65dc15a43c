"""Tables of a study file on time, and on what is judged by: random ones, most of them right."""

import datetime

from fuzz.hostile import increasing, number_in, pick

from doseopt.clock.competing import READINGS
from doseopt.measures.operating_characteristics import METRICS
from doseopt.study.window_events import NAMES

POPULATIONS = ("CLF", "ACLF")
WRONG = 0.04
"""Part of the values that are mostly wrong: few, since one of them refuses a study."""


def _of(rng, right, wrong):
    """One of the right values, or seldom of those that are mostly wrong."""
    return pick(rng, wrong if rng.random() < WRONG else right)


def _chance(rng, doses, scenarios):
    """The probability of an event in the window."""
    one = float(_of(rng, (0.15, 0.1, 0.25, 0.999, 0.0, float(rng.uniform(0, 1))), (1.0, -0.1)))
    by_dose = [float(v) for v in rng.uniform(0, 0.5, doses)]
    by_scenario = {"scenario": {name: pick(rng, (one, by_dose)) for name in scenarios}}
    by_population = dict.fromkeys(POPULATIONS, one)
    return _of(rng, (one, one, one, by_dose, by_scenario if scenarios else one), (by_population,))


def _accrual(rng):
    pace = float(_of(rng, (0.55, 1.0, 2.0, 30.0, 1e-3, 1e6, float(rng.uniform(0, 5))), (0.0, -1.0)))
    kind = _of(rng, ("poisson", "poisson", "fixed", "uniform", "bernoulli", "dates"), ("", "weekly"))
    said = {
        "bernoulli": {"per_slot": float(_of(rng, (0.5, 1.0, float(rng.uniform(0.01, 1))), (0.0, 1.1)))},
        "dates": {"dates": _of(rng, ([float(d) for d in increasing(rng, 60, 0, 900)],), ([], [2, 1], ["2024-03-01"]))},
    }
    return {"kind": kind} | said.get(kind, {pick(rng, ("per_month", "per_window")): pace})


def _onset(rng, visits):
    """An onset, and how many visits close an interval in the window."""
    shares = [float(v) for v in rng.dirichlet([1] * (visits if rng.random() < 0.9 else int(rng.integers(1, 7))))]
    weibull = {"kind": "weibull", "late": float(rng.uniform(0.01, 0.99))}
    by_visits = ({"kind": "visits", "shares": shares},) if visits else ()
    return pick(rng, ({"kind": "uniform"}, {"kind": "constant"}, weibull, *by_visits))


def _day(rng, year):
    """A date, as text or as TOML has it."""
    day = datetime.date(year, 3, 1) + datetime.timedelta(int(rng.integers(-400, 400)))
    return _of(rng, (day.isoformat(), day), ("2024-02-30", "1.3.2024", ""))


def clock(rng):
    """A `[clock]`, most of them right."""
    window = pick(rng, (28, 28, 28, 60, 7.5, 1, 1e-9, 1e9))
    visits = pick(rng, ([1, 3, 7, 14, 28, 60], [28], [], sorted({1.0, *increasing(rng, 4, 0.5, 90)})))
    further = {
        "follow_up": lambda: _of(rng, (2 * window, 90 + window, window), (14, 0)),
        "start": lambda: _day(rng, 2024),
        "onset": lambda: _onset(rng, len([day for day in visits if day < window]) + 1 if visits else 0),
        "known": lambda: pick(rng, ("at_event", "at_visit")),
        "evaluate": lambda: _of(rng, ("window", "resolved"), ("",)),
        "closed": lambda: _of(rng, ("lost", {"queue": 2}, {"queue": 0}), ({"queue": -1}, "queue")),
        "stagger": lambda: {
            f"{what}_days": _of(rng, (0, 1, 7, 14.5, 1000), (-1, "x"))
            for what in ("sentinel", "between_patients", "between_cohorts")
            if rng.random() < 0.5
        },
        "rates_for": lambda: pick(rng, (28, 60, 1)),
        "also_per_month": lambda: _of(rng, ([0.45, 0.7], [3], []), ([0.5, 0.5], [0])),
        "slots": lambda: number_in(rng, 1, 9, True),
        "calendars": lambda: number_in(rng, 2, 4, True),
    }
    table = {"window": window, "accrual": _accrual(rng), "visits": visits} | _part(rng, further, 0.3)
    if "start" in table and rng.random() < 0.5:
        table["registered_completion"] = _day(rng, 2027)
    return table


def _part(rng, further, share):
    return {name: make() for name, make in further.items() if rng.random() < share}


def _event(rng, name, doses, scenarios):
    table = {"probability": _chance(rng, doses, scenarios), "reading": _of(rng, tuple(READINGS), ("",))}
    if rng.random() < (WRONG if name == "dropout" or table["reading"] == "dlt" else 0.4):
        table["attributed"] = number_in(rng, 0, 1, False)
    return table


def window_events(rng, doses, scenarios):
    """`[window_events]`, most of them right."""
    names = [name for name in NAMES if rng.random() < 0.4] or [pick(rng, tuple(NAMES))]
    return {name: _event(rng, name, doses, scenarios) for name in names}


def silences(rng, doses, scenarios, clocked, taken):
    """`[silences]`, most of them of events that no other table states."""
    table = {}
    other = pick(rng, (0, 61, 90, 14)) if clocked or rng.random() < WRONG else 0
    free = [name for name in NAMES if name not in taken]
    wanted = pick(rng, free) if free else ""
    for name in NAMES:
        if name == wanted or rng.random() < (WRONG if name in taken else 0.3):
            event = {"probability": _chance(rng, doses, scenarios)}
            if rng.random() < (0.3 if other else WRONG):
                event["longer"] = _chance(rng, doses, scenarios)
            if name != "dropout" and rng.random() < 0.3:
                event["attributed"] = number_in(rng, 0, 1, False)
            table[name if name == "transplantation" else f"{name}_in_window"] = event
    return table | ({"dlt_window": other} if other else {})


def further_definitions(rng, target):
    """`also` of `[mtd]`: other definitions of right."""

    def definition(k):
        rule = pick(rng, ("closest", "highest_below", "interval"))
        table = {"name": _of(rng, (f"other {k}", f"other {k} é"), ("main", "other 0", "")), "rule": rule}
        if rule == "interval":
            ends = {"low": target * float(rng.uniform(0, 1)), "high": target + 0.5 * float(rng.uniform(0, 1 - target))}
            return table | _part(rng, {name: lambda name=name: ends[name] for name in ends}, 0.7)
        table["target"] = pick(rng, (target, float(rng.uniform(0.05, 0.5))))
        return table | _part(rng, {"none_above": lambda: float(rng.uniform(table["target"] - WRONG, 1))}, 0.4)

    return [definition(k) for k in range(int(rng.integers(1, 4)))]


def criteria(rng):
    """`criteria` of `[amendment]`."""
    names = tuple(name for name, metric in METRICS.items() if _of(rng, (metric.better and not metric.along,), (True,)))
    bounds = {pick(rng, names): float(rng.choice([0.15, 0.5, 1, 0, 16])) for _ in range(int(rng.integers(0, 4)))}
    judged = {} if rng.random() < 0.8 else {"definition": pick(rng, ("main", "other 0"))}
    return {"maximise": _of(rng, ("correct_selection", "utility"), names)} | bounds | judged


def timed(rng, document):
    """The study with tables on time and on what is judged by."""
    doses = len(document["doses"].get("labels", document["doses"].get("values", [])))
    scenarios = list(document.get("scenarios", {}))
    document = dict(document)
    if rng.random() < 0.6:
        document["clock"] = clock(rng)
    if rng.random() < 0.2:
        shares = rng.dirichlet([1, 1])
        document["populations"] = {"shares": dict(zip(POPULATIONS, map(float, shares), strict=True))}
    if rng.random() < 0.5:
        document["window_events"] = window_events(rng, doses, scenarios)
    if rng.random() < 0.4:
        taken = document.get("window_events", {})
        document["silences"] = silences(rng, doses, scenarios, "clock" in document, taken)
    if rng.random() < 0.4:
        document["mtd"] = {**document.get("mtd", {}), "also": further_definitions(rng, document["target"])}
    if len(document["designs"]) > 1 and rng.random() < 0.5:
        document["amendment"] = {**document.get("amendment", {}), "criteria": criteria(rng)}
    return document
