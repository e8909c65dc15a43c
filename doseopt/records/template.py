"""Templates of the tables of a record: empty, with a description of their columns; and an invented record."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from doseopt.core.parameters import Fault, Faults

EXAMPLE = "example"
COLUMNS: dict[str, dict[str, str]] = {
    "adsl": {
        "USUBJID": "subject, one row each",
        "TRT01A": "planned dose, as the study labels it (or DOSELEV, its level from 1)",
        "TRTSDT": "date of treatment, as 2024-03-31; day 0",
        "SAFFL": "treated: Y or N",
        "ACTDOSE": "dose that was given, in the study's unit",
        "AGE": "years",
        "SEX": "F or M",
        "WEIGHTBL": "body weight before treatment, kg",
        "POPULATION": "population of the study, as CLF or ACLF",
        "EVALFL": "evaluable for DLT, Y or N; empty where the study's rules say it",
        "DTHDT": "date of death",
        "TRANSDT": "date of transplantation",
        "EOSDT": "date on which the subject left the study",
        "DCSREAS": "why",
        "COHORT": "cohort, of every subject or of none",
    },
    "adae": {
        "USUBJID": "subject of adsl.csv, one row an event",
        "AEDECOD": "term",
        "AEBODSYS": "system organ class (or AESOC)",
        "ASTDT": "date of onset",
        "AENDT": "date of the end",
        "ATOXGR": "CTCAE grade, 1 to 5 (or AETOXGR)",
        "AESER": "serious: Y or N",
        "AREL": "related: Y or N, or a word of causality (or AEREL)",
        "TRTEMFL": "treatment-emergent: Y or N",
        "AEOUT": "outcome",
        "AESDTH": "led to death: Y or N",
        "DLTFL": "dose-limiting: Y, in the DLT window only, or N",
    },
    "adlb": {
        "USUBJID": "subject of adsl.csv, one row a value",
        "ADT": "date, or date and time, of the draw",
        "AVISITN": "day of the visit (or AVISIT)",
        "PARAMCD": "BILI, INR, CREAT, SODIUM, ALB, PTA, PLAT, PAO2FIO2; "
        "DSA1, DSA2 (anti-HLA class I, II), DIAL7 (dialysis)",
        "AVAL": "value; 1 or 0 for DSA1, DSA2 and DIAL7 (or AVALC)",
        "AVALU": "unit: mg/dL or umol/L, g/dL or g/L, mmol/L, %, 10^9/L, mmHg or kPa",
        "ANRHI": "upper limit of normal, where a criterion of eligibility is in its multiples",
    },
    "adeff": {
        "USUBJID": "subject of adsl.csv, one row an answer",
        "AVISITN": "day of the visit (or AVISIT)",
        "PARAMCD": "IMPROVED, or another question of yes or no",
        "AVALC": "Y or N (or AVAL, 1 or 0)",
        "ADT": "date",
    },
}
"""What the columns hold, by table."""


def example_record() -> Path:
    """Return the folder of a record that is invented: its README says what is in it."""
    return Path(str(resources.files("doseopt") / "records" / EXAMPLE))


def bundled(tables: Path) -> Path:
    """Return a folder, for the name of the invented record its folder where no other has the name."""
    return example_record() if str(tables) == EXAMPLE and not tables.exists() else tables


def write_template(folder: Path) -> list[Path]:
    """Write empty tables and a description of their columns, into a folder that has no such files.

    Raises
    ------
    Faults
        If a file is there already: nothing is written then.
    """
    texts = {f"{table}.csv": ",".join(columns) + "\n" for table, columns in COLUMNS.items()}
    texts["README.md"] = _description()
    if there := [name for name in texts if (folder / name).exists()]:
        raise Faults([Fault("--template", f"wanted a folder without these files, got {', '.join(there)} in {folder}")])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


def _description() -> str:
    """Return one page on the tables."""
    said = [
        "# Tables of a trial's record",
        "adsl.csv and adae.csv are needed, adlb.csv and adeff.csv are not. Dates have the year first; what is "
        "not known stays empty. Other columns are left. `doseopt record FOLDER` shows what is in them.",
    ]
    for table, columns in COLUMNS.items():
        said += [f"## {table}.csv", "\n".join(f"- `{name}`: {text}" for name, text in columns.items())]
    return "\n\n".join(said) + "\n"
