"""Study file (TOML) -> Study, reporting every fault of the file at once, each with its path in it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from doseopt.design import Phase
from doseopt.designs import DESIGNS
from doseopt.doses import Doses
from doseopt.modified import Modified, clashes
from doseopt.modifiers import MODIFIERS
from doseopt.on_grid import OnGrid
from doseopt.parameters import Domain, Fault, Faults, nearest
from doseopt.posterior_model import PosteriorModel
from doseopt.reading import Reader, key
from doseopt.scenarios import MTDRule, concat_scenarios
from doseopt.selecting import Selecting
from doseopt.study import Study
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
)
OF_A_DESIGN = ("modifiers", "selection", "inserts")
"""Keys of a design's table that are not its parameters."""


def read_study(reader: Reader, document: Mapping[str, Any], path: str) -> Study | None:
    """Build a study from the tables of its file; faults go to the reader."""
    top = reader.table(document, "", TOP)
    for name in ("title", "target", "doses", "scenarios", "designs"):
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
    given = {"target": usable, "doses": count, **_with_unit(doses)}
    designs = read_designs(reader, top["designs"], given) if "designs" in top else {}
    grid = None if doses is None else doses.grid()
    posterior = _read_posterior(reader, top.get("posterior"), grid, usable)
    if doses is not None:
        designs = _on_grid(reader, doses, designs, top.get("designs"))
        _together(reader, doses, usable, specs, designs)
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


def _with_unit(doses: Doses | None) -> dict[str, Any]:
    """Return the doses as numbers, for designs that take them."""
    return {} if doses is None or doses.values is None else {"dose_values": doses.values, "unit": doses.unit}


def read_designs(reader: Reader, table: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Build the designs of a study file."""
    if not isinstance(table, Mapping) or not table:
        reader.fault("designs", 'wanted at least one, e.g. [designs."3+3"] with kind = "three_plus_three"')
        return {}
    return {name: _read_design(reader, value, f"designs.{key(name)}", given) for name, value in table.items()}


def _read_base(reader: Reader, table: Any, where: str, given: Mapping[str, Any]) -> Any:
    """Build a design without its modifiers; a `selection` of its own is another design's rule."""
    base = reader.kind(table, where, DESIGNS, given, OF_A_DESIGN, ["doses"])
    if not isinstance(table, Mapping) or "selection" not in table:
        return base
    place = f"{where}.selection"
    for name in ("modifiers", "selection"):
        if isinstance(table["selection"], Mapping) and name in table["selection"]:
            reader.fault(f"{place}.{name}", "unknown key; a selection is the rule of one design alone")
    selector = reader.kind(table["selection"], place, DESIGNS, given, OF_A_DESIGN, ["doses"])
    if base is None or selector is None:
        return None
    try:
        return Selecting(base, selector)
    except Faults as faults:
        reader.faults.extend(f.under(place) for f in faults.faults)
        return None


def _read_design(reader: Reader, table: Any, where: str, given: Mapping[str, Any]) -> Any:
    base = _read_base(reader, table, where, given)
    listed = table.get("modifiers", []) if isinstance(table, Mapping) else []
    if not isinstance(listed, list):
        reader.fault(f"{where}.modifiers", f"wanted a list of tables, got {listed!r}")
        return base
    built = [reader.kind(m, f"{where}.modifiers[{i}]", MODIFIERS) for i, m in enumerate(listed)]
    if base is None:
        return None
    modifiers = {i: m for i, m in enumerate(built) if m is not None}
    whole = len(modifiers) == len(
        built
    )  # a modifier that could not be read may change the first cohort, and so the cap
    found = clashes(base, {i: m for i, m in modifiers.items() if whole or m.phase != Phase.CAP})
    reader.faults.extend(fault.under(where) for fault in found)
    if found or not whole:
        return base
    design = Modified(base, tuple(built)) if built else base
    if not design.ends:
        wanted = 'wanted a rule that ends every trial, e.g. { kind = "max_patients", n = 24 }, got none'
        reader.fault(f"{where}.modifiers", wanted)
    return design


def _on_grid(reader: Reader, doses: Doses, designs: Mapping[str, Any], tables: Any) -> dict[str, Any]:
    """Put the designs on the grid of planned and insertable doses, and let those insert that say so."""
    grid, planned = doses.grid(), doses.planned()
    placed = dict(designs)
    for name, design in designs.items():
        where = f"designs.{key(name)}"
        table = tables[name] if isinstance(tables[name], Mapping) else {}
        inserts = reader.value(table.get("inserts", False), f"{where}.inserts", Domain(bool))
        if inserts and grid is doses:
            wanted = 'wanted doses.insertable too, e.g. insertable = "midpoints"'
            reader.fault(f"{where}.inserts", f"{wanted}, got none")
        if design is None or grid is doses or grid.values is None:
            continue
        try:
            placed[name] = OnGrid(design, grid.values, planned, bool(inserts))
        except Faults as faults:
            reader.faults.extend(f.under(where) for f in faults.faults)
    return placed


def _together(
    reader: Reader, doses: Doses, target: float, specs: Mapping[str, Any], designs: Mapping[str, Any]
) -> None:
    """Note what only several parts of the study show to be wrong, of the parts that could be built."""
    parts = []
    for name, spec in specs.items():
        if spec is not None and len(getattr(spec, "p_dlt", doses.labels)) == len(doses.labels):
            try:
                parts.append(spec.rows(name, doses, target))
            except Faults as faults:
                reader.faults.extend(f.under(f"scenarios.{key(name)}") for f in faults.faults)
    try:
        lacking = _without_moderate(concat_scenarios(parts)) if parts else []
    except Faults as faults:
        reader.faults.extend(f.under("scenarios") for f in faults.faults)
        return
    for name, design in designs.items():
        if design is not None and design.categories == 3 and lacking:
            some = ", ".join(repr(s) for s in lacking[:3]) + (", ..." if len(lacking) > 3 else "")
            wanted = f"looks at moderate toxicity; wanted p_moderate in every scenario, missing in {some}"
            reader.fault(f"designs.{key(name)}", wanted)


def _without_moderate(scenarios: xr.Dataset) -> list[str]:
    missing = np.isnan(scenarios["p_moderate"].to_numpy()).any(axis=1)
    names: list[str] = scenarios["scenario"].to_numpy()[missing].tolist()
    return names
