"""Records of trials that may have been: nobody or many at a dose, all kinds of ends, visits that some have missed."""

import datetime

from fuzz.hostile import pick

HEADS = {
    "adsl.csv": "USUBJID,DOSELEV,TRTSDT,SAFFL,SEX,EVALFL,DTHDT,TRANSDT,EOSDT",
    "adae.csv": "USUBJID,AEDECOD,AEBODSYS,ASTDT,AETOXGR,AESER,AEREL,TRTEMFL,DLTFL",
    "adlb.csv": "USUBJID,ADT,AVISITN,PARAMCD,AVAL,AVALU",
    "adeff.csv": "USUBJID,AVISITN,PARAMCD,AVALC",
}
BLOOD = {
    "BILI": (1, 30, "mg/dL"),
    "INR": (1, 4, ""),
    "CREAT": (1, 4, "mg/dL"),
    "SODIUM": (120, 145, "mmol/L"),
    "ALB": (2, 5, "g/dL"),
}
TERMS = ("Fever", "Ascites", "Hepatic failure")


def possible_tables(rng):
    """The tables of a trial, by the names of their files."""
    found = {name: [head] for name, head in HEADS.items()}
    doses = pick(rng, ((1,), (1, 2), (1, 2, 3), (2, 3), (3,)))
    for k in range(int(pick(rng, (1, 1, 2, 4, 8, 20, 70)))):
        treated = datetime.date(2024, 2, 1) + datetime.timedelta(int(rng.integers(0, 90)))
        for name, rows in _subject(rng, f"S{k}", pick(rng, doses), treated).items():
            found[name] += [f"S{k},{row}" for row in rows]
    return {name: "\n".join(rows) for name, rows in found.items()}


def _subject(rng, name, dose, treated):
    """The rows of a subject in each table, without the name."""

    def day(number):
        return "" if number is None else treated + datetime.timedelta(int(number))

    death, moved, left = (int(rng.integers(0, 70)) if rng.random() < chance else None for chance in (0.2, 0.15, 0.2))
    moved = None if None not in (death, moved) and moved > death else moved
    evaluable = pick(rng, ("", "", "", "Y", "N")) if {death, moved, left} != {None} else ""
    ends = ",".join(str(day(end)) for end in (death, moved, left))
    events = [
        f"{pick(rng, TERMS)},Investigations,{day(rng.integers(0, 60))},{rng.integers(1, 5)},{pick(rng, 'YN')},N,Y,N"
        for _ in range(int(rng.integers(0, 4)))
    ]
    if death is not None and rng.random() < 0.5:
        events.append(f"Death NOS,General disorders,{day(death)},5,Y,N,Y,N")
    values = [
        f"{day(visit)},{visit},{code},{rng.uniform(low, high):.2f},{unit}"
        for visit in (0, 7, 28, 60)[: int(rng.integers(0, 5))]
        for code, (low, high, unit) in BLOOD.items()
        if rng.random() < 0.95
    ]
    answers = [f"{pick(rng, (28, 28, 60))},IMPROVED,{pick(rng, 'YN')}"] if rng.random() < 0.7 else []
    sex = pick(rng, ("F", "M", ""))
    return {
        "adsl.csv": [f"{dose},{treated},Y,{sex},{evaluable},{ends}"],
        "adae.csv": events,
        "adlb.csv": values,
        "adeff.csv": answers,
    }
