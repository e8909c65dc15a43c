"""The scenarios and the belief of a study file, each fault with its path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from doseopt.beliefs import BELIEFS, BeliefSpec, StatedBelief
from doseopt.beliefs.utility import Utility
from doseopt.core.parameters import Domain, Faults, is_number
from doseopt.scenarios import GENERATORS, TRANSFORMS, Mixture
from doseopt.scenarios.specs import FixedScenario, RandomScenarios
from doseopt.study.reader import Reader, as_meant, key, plain
from doseopt.study.said import MISSING, Said

SHARES = {
    "false_dlts": Said("share of patients without a DLT who are called one", Domain(float, 0, 1), 0.0),
    "late_dlts": Said("share of DLTs that come after the window", Domain(float, 0, 1), 0.0),
}
MOST_RANDOM = 100_000
"""Scenarios of one generator at the most."""
_TRANSFORM = {"transform": Said("what is done to the rates, a table with its kind")}
FIXED = {
    "p_dlt": Said("DLT rates, one a dose", Domain(list), MISSING, [0.05, 0.1, 0.2, 0.3]),
    "p_moderate": Said("rates of moderate toxicity that is no DLT, one a dose", Domain(list)),
    "p_eff": Said("rates of efficacy, one a dose, whether or not there is a DLT", Domain(list)),
    "reason": Said("why it is looked at", Domain(str), ""),
    "source": Said("where it is from", Domain(str), ""),
    **_TRANSFORM,
    **SHARES,
}
RANDOM = {
    "generator": Said("published generator of curves", Domain(str, choices=tuple(GENERATORS)), MISSING),
    "count": Said("scenarios drawn", Domain(int, 1, MOST_RANDOM), MISSING, 100),
    "seed": Said("seed of the draws", Domain(int, 0, 2**63), MISSING, 1),
    **_TRANSFORM,
    **SHARES,
}


def read_scenarios(reader: Reader, table: Any, doses: int | None) -> dict[str, Any]:
    """Build the scenarios of a study file."""
    if not isinstance(table, Mapping) or not table:
        reader.fault("scenarios", 'wanted at least one, e.g. "mild" = [0.05, 0.10, 0.20, 0.30]')
        return {}
    specs: dict[str, Any] = {}
    for name, value in table.items():
        before = len(reader.faults)
        spec = _read_scenario(reader, value, f"scenarios.{key(name)}", doses)
        specs[name] = spec if len(reader.faults) == before else None
    return specs


def _read_scenario(reader: Reader, value: Any, where: str, doses: int | None) -> Any:
    if not isinstance(value, Mapping):
        rates = reader.rates(value, where, doses)
        return FixedScenario(rates) if rates is not None else None
    transform, meant = None, as_meant(value, FIXED | RANDOM)
    if "transform" in meant:
        transform = reader.kind(meant["transform"], f"{where}.transform", TRANSFORMS)
    if "generator" in meant:
        table = reader.table(value, where, RANDOM)
        kind = reader.value(table["generator"], f"{where}.generator", RANDOM["generator"].domain)
        numbers = []
        for name, least in (("count", 1), ("seed", 0)):
            if name not in table:
                reader.fault(f"{where}.{name}", "missing; wanted a whole number")
            numbers.append(reader.value(table.get(name, least), f"{where}.{name}", RANDOM[name].domain))
        return RandomScenarios(kind, numbers[0], numbers[1], transform, *_shares(reader, table, where))
    table = reader.table(value, where, FIXED)
    if "p_dlt" not in table:
        reader.fault(f"{where}.p_dlt", "missing; wanted a list of DLT rates, one a dose, or a generator")
    rates = reader.rates(table["p_dlt"], f"{where}.p_dlt", doses) if "p_dlt" in table else None
    beside: dict[str, Any] = dict.fromkeys(("p_moderate", "p_eff"))
    for name in beside.keys() & table.keys():
        found = table[name]
        alike = is_number(found)  # one rate for all doses
        beside[name] = reader.rates([found] * len(rates) if alike and rates else found, f"{where}.{name}", doses)
    words = [reader.value(table.get(name, ""), f"{where}.{name}", Domain(str)) for name in ("reason", "source")]
    if isinstance(transform, Mixture) and doses is not None and len(transform.other) != doses:
        reader.fault(f"{where}.transform.other", f"wanted {doses} rates, one a dose, got {len(transform.other)}")
    false, late = _shares(reader, table, where)
    try:
        reason, source = (word or "" for word in words)
        said = (reason, source, transform, false, late)
        return FixedScenario(rates or (), beside["p_moderate"], *said, beside["p_eff"])
    except Faults as faults:
        reader.faults.extend(fault.under(where) for fault in faults.faults)
        return None


def _shares(reader: Reader, table: Mapping[str, Any], where: str) -> list[float]:
    """Return the shares of false and of late DLTs."""
    return [reader.value(table.get(name, 0.0), f"{where}.{name}", SHARES[name].domain) or 0.0 for name in SHARES]


def read_belief(reader: Reader, table: Any, specs: Mapping[str, Any]) -> Any:
    """Build what is believed of the DLT rates; without a table all scenarios weigh the same."""
    if table is None:
        return StatedBelief()
    belief = reader.kind(table, "belief", BELIEFS)
    if isinstance(belief, StatedBelief) and belief.weights is not None and None not in specs.values():
        count = sum(getattr(spec, "count", 1) for spec in specs.values())
        if len(belief.weights) != count:
            reader.fault("belief.weights", f"wanted {count} numbers, one a scenario, got {len(belief.weights)}")
    return belief


def belief_and_utility(belief: BeliefSpec, utility: Utility) -> dict[str, Any]:
    """Return the tables of belief and utility, where they say more than the default."""
    kinds = {type_: kind for kind, type_ in BELIEFS.items()}
    tables = {"belief": plain(belief, kinds), "utility": plain(utility)}
    return {name: table for name, table in tables.items() if table and table != {"kind": "scenarios"}}


def scenario_table(spec: FixedScenario | RandomScenarios) -> Any:
    """Return a scenario as the study file says it, defaults left out."""
    transform = {type_: kind for kind, type_ in TRANSFORMS.items()}
    result = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in vars(spec).items()
        if value not in (None, "") and name != "transform" and not (name.endswith("_dlts") and value == 0)
    }
    if spec.transform is not None:
        result["transform"] = plain(spec.transform, transform)
    return result if len(result) > 1 else result["p_dlt"]
