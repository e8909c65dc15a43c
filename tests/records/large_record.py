"""A record of many subjects with many events at the doses of a study, made up: for what time and pages must hold."""

import datetime
from pathlib import Path

import numpy as np

FIRST = datetime.date(2022, 1, 3)
HEADS = {
    "adsl.csv": "USUBJID,DOSELEV,TRTSDT,SAFFL,SEX,AGE,POPULATION,DTHDT,TRANSDT,EOSDT",
    "adae.csv": "USUBJID,AEDECOD,AEBODSYS,ASTDT,AETOXGR,AESER,AEREL,TRTEMFL,DLTFL",
    "adlb.csv": "USUBJID,ADT,AVISITN,PARAMCD,AVAL,AVALU",
    "adeff.csv": "USUBJID,AVISITN,PARAMCD,AVALC",
}
VISITS = (0, 7, 14, 28, 60)
BLOOD = {
    "BILI": (1, 30, "mg/dL"),
    "INR": (1, 4, ""),
    "CREAT": (0.5, 4, "mg/dL"),
    "SODIUM": (120, 145, "mmol/L"),
    "ALB": (2, 5, "g/dL"),
}
CLASSES = ("Cardiac disorders", "Gastrointestinal disorders", "General disorders", "Hepatobiliary disorders")
TERMS = 40


def large_record(folder, subjects=1000, events=10_000, levels=4, seed=1):
    """Write the tables of so many subjects, treated one a day, and their events; return the folder."""
    rng = np.random.default_rng(seed)
    rows = {name: [head] for name, head in HEADS.items()}
    treated = [FIRST + datetime.timedelta(k) for k in range(subjects)]
    for k, start in enumerate(treated):
        kind = rng.choice(["died", "moved", "left", ""], p=[0.1, 0.08, 0.07, 0.75])
        gone = int(rng.integers(30, 60)) if kind else 200
        end = start + datetime.timedelta(gone)
        ends = ",".join(str(end) if kind == one else "" for one in ("died", "moved", "left"))
        sex, group = rng.choice(["F", "M"]), rng.choice(["CLF", "ACLF"])
        level, age = k * levels // subjects + 1, rng.integers(18, 66)
        rows["adsl.csv"].append(f"S{k},{level},{start},Y,{sex},{age},{group},{ends}")
        for visit in (v for v in VISITS if v <= gone):
            on = start + datetime.timedelta(visit)
            for code, (low, high, unit) in BLOOD.items():
                rows["adlb.csv"].append(f"S{k},{on},{visit},{code},{rng.uniform(low, high):.2f},{unit}")
        rows["adeff.csv"].append(f"S{k},28,IMPROVED,{rng.choice(['Y', 'N'])}")
    for e in range(events):
        k, day, term = e % subjects, int(rng.integers(0, 28)), int(rng.integers(TERMS))
        grade = int(rng.integers(1, 5))
        dlt = "Y" if grade == 4 and rng.random() < 0.1 else "N"
        serious, related = ("Y" if rng.random() < p else "N" for p in (0.2, 0.4))
        on = treated[k] + datetime.timedelta(day)
        name = f"Event {term + 1},{CLASSES[term % len(CLASSES)]}"
        rows["adae.csv"].append(f"S{k},{name},{on},{grade},{serious},{related},Y,{dlt}")
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, lines in rows.items():
        (Path(folder) / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Path(folder)
