"""Study file (TOML) -> Study, reporting every fault of the file at once, each with its path in it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from doseopt.doses import Doses
from doseopt.parameters import Domain, Fault, Faults, nearest
from doseopt.posterior_model import PosteriorModel
from doseopt.proposal import read_proposal
from doseopt.reading import Reader, key
from doseopt.scenarios import MTDRule, concat_scenarios
from doseopt.study import Study
from doseopt.study_designs import read_designs
from doseopt.study_scenarios import read_belief, read_scenarios
from doseopt.utility import Utility

BUNDLED = resources.files("doseopt") / "studies"
DEFAULT_STUDY = "renji-elo"
_RATE = Domain(float, 0, 1, open_high=True)
_TARGET = Domain(float, 0, 1, open_low=True, open_high=True)


def load_study(name_or_path: str | Path = DEFAULT_STUDY) -> Study:
    """Read a study: a bundled one by name, or a file.

    Raises
    ------
    Faults
        With every fault of the file, each with its path in it.
    """
    bundled = {Path(f.name).stem: f for f in BUNDLED.iterdir() if f.name.endswith(".toml")}
    path = Path(name_or_path)
    if str(name_or_path) in bundled:
        text = bundled[str(name_or_path)].read_text(encoding="utf-8-sig")
    elif path.is_file():
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (UnicodeDecodeError, OSError) as error:
            raise Faults([Fault("", f"cannot be read as text: {error}")], str(path)) from error
    else:
        if path.is_dir():
            raise Faults([Fault("", "wanted a study file, got a folder")], str(name_or_path))
        beside = [str(f) for f in path.parent.glob("*.toml")] if path.parent.is_dir() else []
        message = f"no such file, and no bundled study of that name{nearest(str(name_or_path), [*bundled, *beside])}"
        raise Faults([Fault("", message)], str(name_or_path))
    return parse_study(text, str(name_or_path))


def parse_study(text: str, path: str = "study") -> Study:
    """Read a study from the text of its file; see `load_study`."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Faults([Fault("", f"not a TOML file: {error}")], path) from error
    reader = Reader(Path(path).parent)
    study = read_study(reader, document, path)
    if reader.faults or study is None:
        raise Faults(reader.faults, path)
    return study


TOP = (
    "title",
    "registry",
    "target",
    "planned_enrolment",
    "mtd",
    "doses",
    "dropout",
    "posterior",
    "belief",
    "utility",
    "scenarios",
    "designs",
    "amendment",
)


def read_study(reader: Reader, document: Mapping[str, Any], path: str) -> Study | None:
    """Build a study from the tables of its file; faults go to the reader."""
    top = reader.table(document, "", TOP)
    for name in ("title", "target", "doses", "designs"):
        if name not in top:
            reader.fault(name, "missing")
    text = Domain(str)
    title = reader.value(top.get("title", ""), "title", text)
    registry = reader.value(top.get("registry", ""), "registry", text)
    target = reader.value(top["target"], "target", _TARGET) if "target" in top else None
    enrolment = reader.value(top.get("planned_enrolment"), "planned_enrolment", Domain(int, 1, optional=True))
    dropout = reader.table(top.get("dropout", {}), "dropout", ["rate"])
    rate = reader.value(dropout.get("rate", 0.0), "dropout.rate", _RATE)
    doses = reader.build(Doses, top["doses"], "doses", {}) if "doses" in top else None
    count = _dose_count(top.get("doses"), top.get("scenarios"))
    usable = 0.25 if target is None else target
    mtd = reader.build(MTDRule, top.get("mtd", {}), "mtd", {"target": usable}, private=["target"])
    specs = read_scenarios(reader, top["scenarios"], count) if "scenarios" in top else {}
    belief = read_belief(reader, top.get("belief"), specs)
    utility = reader.build(Utility, top.get("utility", {}), "utility", {})
    given = {"target": usable, "doses": count}
    designs = read_designs(reader, top["designs"], doses, given) if "designs" in top else {}
    grid = None if doses is None else doses.grid()
    posterior = _read_posterior(reader, top.get("posterior"), grid, usable)
    if doses is not None:
        _together(reader, doses, usable, specs)
    levels = count if grid is None else len(grid.labels)
    proposal = read_proposal(reader, top["amendment"], designs, levels) if "amendment" in top else None
    if reader.faults or doses is None or grid is None or target is None:
        return None
    return Study(
        title=title,
        target=target,
        mtd=mtd,
        doses=grid,
        scenario_specs=specs,
        designs=designs,
        registry=registry,
        planned_enrolment=enrolment,
        dropout=rate,
        posterior=posterior,
        belief=belief,
        utility=utility,
        proposal=proposal,
        name=Path(path).stem,
        planned_doses=None if grid is doses else doses,
    )


def _read_posterior(reader: Reader, table: Any, doses: Doses | None, target: float) -> PosteriorModel:
    """Build the model that DLT rates are judged by; without a table the BLRM, or independent doses without values."""
    if table is None:
        return PosteriorModel()
    if isinstance(table, Mapping) and table.get("model", "blrm") == "blrm" and "reference_dose" not in table:
        unit = f" in {doses.unit}" if doses is not None and doses.unit else ""
        reader.fault("posterior.reference_dose", f"missing; wanted the reference dose d* of the BLRM{unit}")
    choice = reader.build(PosteriorModel, table, "posterior", {})
    if choice is None:
        return PosteriorModel()
    if doses is not None:
        try:
            choice.curve(doses.values, doses.unit, len(doses.labels), target)
        except Faults as faults:
            reader.faults.extend(f.under("posterior") for f in faults.faults)
    built: PosteriorModel = choice
    return built


def _dose_count(doses: Any, scenarios: Any) -> int | None:
    """Return how many doses the file means, though something else be wrong with it, to check the rest."""
    labels = doses.get("labels") if isinstance(doses, Mapping) else None
    if isinstance(labels, list):
        return len(labels)
    listed = [v for v in scenarios.values() if isinstance(v, list)] if isinstance(scenarios, Mapping) else []
    return len(listed[0]) if listed else None


def _together(reader: Reader, doses: Doses, target: float, specs: Mapping[str, Any]) -> None:
    """Note what only several parts of the study show to be wrong, of the parts that could be built."""
    parts = []
    for name, spec in specs.items():
        if spec is not None and len(getattr(spec, "p_dlt", doses.labels)) == len(doses.labels):
            try:
                parts.append(spec.rows(name, doses, target))
            except Faults as faults:
                reader.faults.extend(f.under(f"scenarios.{key(name)}") for f in faults.faults)
    try:
        if parts:
            concat_scenarios(parts)
    except Faults as faults:
        reader.faults.extend(f.under("scenarios") for f in faults.faults)
