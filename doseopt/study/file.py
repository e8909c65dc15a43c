"""Study file (TOML) -> Study, reporting every fault of the file at once, each with its path in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import doseopt
from doseopt.beliefs import StatedBelief
from doseopt.beliefs.utility import Utility
from doseopt.core.files import FORMAT
from doseopt.core.parameters import Domain, Fault, Faults, declared, nearest
from doseopt.endpoints.historical import Historical
from doseopt.models.choice import OF_DOSES, PosteriorModel
from doseopt.scenarios import MTDRule
from doseopt.scenarios.dataset import names_faults
from doseopt.scenarios.doses import Doses
from doseopt.study.amendment import read_proposal
from doseopt.study.clock import Clock
from doseopt.study.definitions import read_also, untargetable
from doseopt.study.designs import read_designs
from doseopt.study.eligibility import read_eligibility
from doseopt.study.naming import read_definition
from doseopt.study.obd import given_by, read_obd, without_efficacy
from doseopt.study.parsing import MOST_LETTERS, parse_toml
from doseopt.study.populations import Populations
from doseopt.study.reader import Judge, Reader, as_meant, key
from doseopt.study.said import MISSING, Said
from doseopt.study.salvage import window_misfits
from doseopt.study.scenarios import read_belief, read_scenarios
from doseopt.study.silences import Silences
from doseopt.study.study import Study
from doseopt.study.window_events import read_window_events

BUNDLED = resources.files("doseopt") / "studies"
DEFAULT_STUDY = "renji-elo"


def load_study(name_or_path: str | Path = DEFAULT_STUDY, *, trusted: bool = True, judge: Judge = lambda _: []) -> Study:
    """Read a study: a bundled one by name, or a file.

    Parameters
    ----------
    name_or_path : str or Path
    trusted : bool
        False for a study that comes from elsewhere: it may then name files of its own folder only.
    judge : callable, optional
        Returns what is wrong with the criteria of its amendment, as `amendment.criteria.criteria_faults` does, so that
        it is told with the rest.

    Raises
    ------
    Faults
        With every fault of the file, each with its path in it.

    Examples
    --------
    >>> from doseopt import load_study
    >>> load_study("renji-elo").target
    0.25
    """
    return parse_study(*text_of(name_or_path), trusted=trusted, judge=judge)


def text_of(name_or_path: str | Path) -> tuple[str, str]:
    """Return the text of a study, a bundled one by name or a file, and where it is from; Faults if there is none."""
    if not isinstance(name_or_path, str | Path):
        raise Faults([Fault("", f"wanted the name of a study or the path of its file, got {name_or_path!r}")], "study")
    bundled = {Path(f.name).stem: f for f in BUNDLED.iterdir() if f.name.endswith(".toml")}
    name = str(name_or_path)
    if name in bundled:
        return bundled[name].read_text(encoding="utf-8-sig"), name
    return _text(Path(name_or_path), name, bundled), name


def _text(path: Path, name: str, bundled: Iterable[str]) -> str:
    """Return the text of a study file."""
    try:
        if path.is_file():
            if path.stat().st_size > 4 * MOST_LETTERS:  # a letter takes four bytes at the most
                message = f"wanted a file of at most {MOST_LETTERS:,} letters, got {path.stat().st_size:,} bytes"
                raise Faults([Fault("", message)], name)
            return path.read_text(encoding="utf-8-sig")
        if path.is_dir():
            raise Faults([Fault("", "wanted a study file, got a folder")], name)
        if path.exists():  # of a device, say, reading never ends
            raise Faults([Fault("", "wanted a study file, got a device or a pipe")], name)
        beside = [str(f) for f in path.parent.glob("*.toml")] if path.parent.is_dir() else []
    except (UnicodeDecodeError, OSError) as error:
        raise Faults([Fault("", f"cannot be read as text: {error}")], name) from error
    message = f"no such file, and no bundled study of that name{nearest(name, [*bundled, *beside])}"
    raise Faults([Fault("", message)], name)


def parse_study(
    text: str, path: str = "study", *, trusted: bool = True, judge: Judge = lambda _: [], files: bool = True
) -> Study:
    """Read a study from the text of its file, which may name others if there are `files`; see `load_study`."""
    if not isinstance(text, str):
        raise Faults([Fault("", f"wanted the text of a study file, got {text!r}")], path)
    document, unsound = parse_toml(text, path)
    reader = Reader(Path(path).parent if files else None, trusted, judge)
    study = read_study(reader, document, path, unsound)
    if study is None:
        raise Faults(reader.faults, path)
    return study


def _said(named: str, where: str) -> bool:
    """Tell whether a fault of reading names a place already: the same, one around it, or the file that stands there."""
    return named == where or named.startswith(f"{where}[") or where.startswith((f"{named}.", f"{named}["))


TOP = {
    "format": Said("format of the file", Domain(int, 1, FORMAT), FORMAT),
    "title": Said("what the study is called", Domain(str), MISSING, "A trial"),
    "registry": Said("number in a registry", Domain(str), "", "NCT04243785"),
    "target": Said("DLT rate that the MTD is to have", Domain(float, 0, 1, True, True), MISSING, 0.25),
    "planned_enrolment": Said("patients, as the registry states them", Domain(int, 1), None, 20),
    "mtd": Said("which dose is the MTD, given the true rates"),
    "obd": Said("what the optimal biological dose is, where efficacy counts"),
    "doses": Said("the doses, lowest first", default=MISSING),
    "populations": Said("populations that differ in the window, and their shares"),
    "dropout": Said("drop-out, replaced; as files stated it before window_events"),
    "window_events": Said("death, transplantation and drop-out in the DLT window"),
    "clock": Said("DLT window, follow-up, pace of accrual, dates; in days"),
    "silences": Said("what is elicited of events that the protocol does not provide for"),
    "historical": Said("historical controls for survival"),
    "eligibility": Said("criteria of eligibility"),
    "posterior": Said("model by which DLT rates are judged"),
    "belief": Said("what is believed of the DLT rates, for averages and limits"),
    "utility": Said("worth of ending, for limits"),
    "scenarios": Said("true DLT rates, a table or a list by name"),
    "designs": Said("the designs by name, each with its kind", default=MISSING),
    "amendment": Said("what is registered and what is proposed instead"),
}
"""Keys that stand in no table, and tables."""
OF_MTD = {
    "definition": Said("evidence that a dose must have to be the MTD", example={"patients": 6, "rate": "1/6"}),
    "also": Said("further definitions of what is right, by name", example=[{"name": "below", "rule": "highest_below"}]),
}

NEEDED = {
    "title": 'title = "A trial"',
    "target": "target = 0.25",
    "doses": '[doses] with labels = ["10", "20"]',
    "designs": '[designs.BOIN] with kind = "boin"',
}
"""What must stand, as it may be written."""
SAID = {"title": "", "registry": "", "planned_enrolment": None}
"""What stands in no table, and what it is if it is left out."""
BUILT = {
    "populations": Populations,
    "clock": Clock,
    "silences": Silences,
    "historical": Historical,
    "doses": Doses,
}
"""Tables that say one object each."""


def read_study(reader: Reader, document: Mapping[str, Any], path: str, unsound: Sequence[Fault]) -> Study | None:
    """Build a study from the tables of its file; faults go to the reader, with those of `parse_toml`."""
    top = reader.table(document, "", TOP)
    _check_format(reader, top.get("format", FORMAT))
    for name, example in NEEDED.items():
        if name not in top:
            reader.fault(name, f"missing; wanted {TOP[name].doc}, as {example}")
    domain = declared(Study)["target"].metadata["domain"]
    target = reader.value(top["target"], "target", domain) if "target" in top else None
    if target is None:
        reader.faults = _at_any_target(reader, top)
    parts = {} if target is None else _read_parts(reader, top, target)
    named = [fault.where for fault in reader.faults]
    reader.faults += [fault for fault in unsound if not any(_said(where, fault.where) for where in named)]
    if reader.faults or target is None:
        return None
    return Study(**parts, target=target, name=Path(path).stem)


def _at_any_target(reader: Reader, top: Mapping[str, Any]) -> list[Fault]:
    """Return what is wrong with a study whose target is not known: what is wrong at one target as at another."""
    found = []
    for target in (0.1, 0.4):
        tried = Reader(reader.folder, reader.trusted, reader.judge)
        tried.faults = list(reader.faults)
        _read_parts(tried, top, target)
        found.append(dict.fromkeys(tried.faults))
    return [fault for fault in found[0] if fault in found[1]]


def _read_parts(reader: Reader, top: Mapping[str, Any], target: float) -> dict[str, Any]:
    """Read what stands in the tables of a study, each part as far as it can be read, and check them together."""
    domains = {name: field.metadata["domain"] for name, field in declared(Study).items()}
    parts = {name: reader.value(top.get(name, left), name, domains[name]) for name, left in SAID.items()}
    parts["window_events"] = read_window_events(reader, top.get("window_events"), top.get("dropout"))
    parts |= {name: reader.build(kind, top[name], name, {}) if name in top else None for name, kind in BUILT.items()}
    parts["eligibility"] = read_eligibility(reader, top["eligibility"]) if "eligibility" in top else None
    count = _dose_count(top.get("doses"), top.get("scenarios"))
    parts["mtd"] = reader.build(MTDRule, top.get("mtd", {}), "mtd", {"target": target}, OF_MTD, ["target"])
    mtd = as_meant(top["mtd"], [*OF_MTD, *declared(MTDRule)]) if isinstance(top.get("mtd"), Mapping) else {}
    parts["definition"] = definition = read_definition(reader, mtd)
    parts["also"] = also = read_also(reader, mtd, target)
    parts["scenario_specs"] = specs = read_scenarios(reader, top["scenarios"], count) if "scenarios" in top else {}
    parts["belief"] = read_belief(reader, top.get("belief"), specs)
    parts["obd"] = read_obd(reader, top.get("obd"), target)
    reader.faults += without_efficacy(parts["obd"], specs)
    parts["utility"] = reader.build(Utility, top.get("utility", {}), "utility", {})
    given: dict[str, Any] = {"target": target, "doses": count, "definition": definition, "mtd": parts["mtd"]}
    given |= given_by(parts["obd"])
    if isinstance(top.get("doses"), Mapping) and "values" in top["doses"]:
        given |= {"dose_values": None, "unit": None}  # there, though perhaps wrong
    planned: Doses | None = parts["doses"]
    designs = read_designs(reader, top["designs"], planned or _labels_alone(top), given) if "designs" in top else {}
    grid = None if planned is None else planned.grid()
    parts |= {"designs": designs, "doses": grid}
    parts["posterior"] = _read_posterior(reader, top.get("posterior"), grid, target)
    if planned is not None:
        _together(reader, planned, target, specs)
    levels = count if grid is None else len(grid.labels)
    if "amendment" in top:
        parts["proposal"] = read_proposal(reader, top["amendment"], designs, levels, also, target)
    if not reader.faults and grid is not None:
        reader.faults += untargetable(also, designs, target, grid, definition)
    doses = count if planned is None else len(planned.labels)
    if reader.faults and doses is not None:
        stated = isinstance(parts["belief"], StatedBelief | None)
        reader.faults += window_misfits(reader, top, parts, list(specs), doses, stated)
    return parts


def _check_format(reader: Reader, found: Any) -> None:
    """Note a format that is none, or that a later doseopt wrote."""
    if type(found) is int and found > FORMAT:
        later = f"a file of format {found} is read by a doseopt later than {doseopt.__version__}"
        reader.fault("format", f"wanted at most {FORMAT}, got {found}: {later}")
    elif type(found) is not int or found < 1:
        reader.fault("format", f"wanted 1 or {FORMAT}, got {found!r}")


def _read_posterior(reader: Reader, table: Any, doses: Doses | None, target: float) -> PosteriorModel:
    """Build the model that DLT rates are judged by; without a table the BLRM, or independent doses without values."""
    if table is None:
        return PosteriorModel()
    stated = as_meant(table, declared(PosteriorModel)) if isinstance(table, Mapping) else {"model": None}
    if stated.get("model", "blrm") in OF_DOSES and "reference_dose" not in stated:
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


def _labels_alone(top: Mapping[str, Any]) -> Doses | None:
    """Return the doses without their values, which something is wrong with; None if that is not enough to go on."""
    table = top.get("doses")
    if not isinstance(table, Mapping) or "insertable" in table:
        return None
    try:
        return Doses(table.get("labels", ()))
    except Faults:
        return None


def _dose_count(doses: Any, scenarios: Any) -> int | None:
    """Return how many doses the file means, though something else be wrong with it, to check the rest."""
    for name in ("labels", "values"):
        if isinstance(doses, Mapping) and isinstance(doses.get(name), list):
            return len(doses[name])
    listed = [v for v in scenarios.values() if isinstance(v, list)] if isinstance(scenarios, Mapping) else []
    return len(listed[0]) if listed else None


def _together(reader: Reader, doses: Doses, target: float, specs: Mapping[str, Any]) -> None:
    """Note what only several parts of the study show to be wrong, of the parts that could be built."""
    names = []
    for name, spec in specs.items():
        if spec is not None and name and len(getattr(spec, "p_dlt", doses.labels)) == len(doses.labels):
            try:
                names += spec.rates(name, doses, target).scenarios
            except Faults as faults:
                reader.faults.extend(f.under(f"scenarios.{key(name)}") for f in faults.faults)
    reader.faults.extend(fault.under("scenarios") for fault in names_faults(names))
