"""A study as its file says it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from doseopt.core.files import put
from doseopt.display.card import card
from doseopt.study.definitions import mtd_table
from doseopt.study.designs import design_table, policy_files
from doseopt.study.obd import obd_table
from doseopt.study.reader import plain
from doseopt.study.scenarios import belief_and_utility, scenario_table

TABLES = ("populations", "window_events", "clock", "silences", "historical", "eligibility")
"""Tables that a study may state, each as an object of its own."""


def written(study: Any) -> dict[str, Any]:
    """Return the tables of the file of a `Study`, defaults left out."""
    mtd = mtd_table(study.mtd, study.also, study.definition, study.target)
    doses = study.doses.as_planned
    files = policy_files(study.designs.values())
    scenarios = {name: scenario_table(spec) for name, spec in study.scenario_specs.items()}
    top = {name: getattr(study, name) for name in ("title", "registry", "target", "planned_enrolment")}
    return {
        **{name: value for name, value in top.items() if value not in ("", None) or name == "title"},
        **({"mtd": mtd} if mtd else {}),
        **({} if study.obd is None else {"obd": obd_table(study.obd, study.target)}),
        "doses": plain(doses),
        **{n: plain(v) for n in TABLES if (v := getattr(study, n)) is not None},
        **({"posterior": plain(study.posterior)} if plain(study.posterior) else {}),
        **belief_and_utility(study.belief, study.utility),
        **({"scenarios": scenarios} if scenarios else {}),
        "designs": {
            name: design_table(each, study.target, doses, files, study.definition, study.obd)
            for name, each in study.designs.items()
        },
        **({} if study.proposal is None else {"amendment": study.proposal.in_file()}),
    }


def save(study: Any, path: Path) -> list[Path]:
    """Write the file of a `Study` and the policies that it names, all of them or none; return their paths."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".unfinished-") as name:
        unfinished = Path(name)
        files = [table.save(unfinished / file) for table, file in policy_files(study.designs.values()).items()]
        files.append(unfinished / path.name)
        files[-1].write_text(study.to_toml(), encoding="utf-8")
        return [put(file, path.parent / file.name) for file in files]


def shown(study: Any) -> str:
    """Return a `Study` as a notebook shows it: doses, target, scenarios, and each design rule by rule."""
    doses = f"{', '.join(study.doses.as_planned.labels)} {study.doses.unit}".strip()
    rows = [("doses", doses), ("target DLT rate", f"{study.target:g}"), ("scenarios", ", ".join(study.scenario_specs))]
    for name, design in study.designs.items():
        rows.append((name, "; ".join(f"{row.rule}: {row.reading}" for row in design.describe())))
    return card(study.title, ("", f"study {study.name}, hash {study.hash}"), rows)
