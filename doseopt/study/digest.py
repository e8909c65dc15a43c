"""The digest of a study: the same for studies that say the same, however their files say it.

No differences are: the order of keys and of rules that are laid over a design; whole numbers with or without a point;
a default that is stated, also where it depends on the rest of the study; the scale of weights; names of files.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from doseopt.designs.modifiers import MODIFIERS
from doseopt.models.choice import OF_DOSES, PosteriorModel
from doseopt.models.curves import WEAKLY_INFORMATIVE_COV, WEAKLY_INFORMATIVE_MEAN
from doseopt.models.slope import PRIOR_SD
from doseopt.scenarios import MTDRule
from doseopt.study.rules import flattened

SCHEME = "h2"
"""Of the digest, in front of it; the scheme before wrote none."""
ORDER = list(MODIFIERS)
LARGEST = 2**53
"""Whole numbers up to this are exact as floats."""


def digest(tables: Mapping[str, Any], values: tuple[float, ...] | None) -> str:
    """Return the digest of a study.

    Parameters
    ----------
    tables : mapping
        The study as its file says it, defaults left out.
    values : tuple of float, optional
        All its doses.
    """
    said = dict(_plain_numbers(tables))
    said["mtd"] = _mtd(said.get("mtd", {}), said["target"])
    if "obd" in said:
        said["obd"] = {"phi_t": said["target"], "phi_e": 0.25, "u2": 40.0, "u3": 60.0} | said["obd"]
    said["posterior"] = _posterior(said.get("posterior", {}), values, len(said["doses"]["labels"]))
    said["belief"] = _belief(said.get("belief", {}), list(said.get("scenarios", {})))
    said["designs"] = {name: _design(table) for name, table in said["designs"].items()}
    whole = {name: part for name, part in said.items() if part != {}}
    return f"{SCHEME}:{hashlib.sha256(_text(whole).encode()).hexdigest()[:16]}"


def hash_fault(stated: str, actual: str) -> str | None:
    """Return why a hash that a report or a result states is not that of a study; None if it is.

    Parameters
    ----------
    stated : str
        Hashes were written without a scheme at first, those of scheme 2, too.
    actual : str
        Of the study.
    """
    scheme, prefixed, digits = stated.strip().rpartition(":")
    if not re.fullmatch("[0-9a-f]{16}", digits) or (prefixed and not re.fullmatch("h[0-9]+", scheme)):
        return f"wanted a study hash such as {actual}, got {stated!r}"
    if scheme in ("", SCHEME) and actual == f"{SCHEME}:{digits}":
        return None
    if scheme == SCHEME:
        return f"is of another study: wanted {actual}, got {stated}"
    if prefixed:
        return f"is of scheme {scheme}; wanted one of scheme {SCHEME}, which this doseopt writes, got {stated}"
    return (
        f"is of no scheme, and so perhaps of the old one, by which the same study has other digits; wanted {actual}, "
        f"got {stated}. Make the result again to compare"
    )


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=True)


def _plain_numbers(value: Any) -> Any:
    """Return the same with whole numbers as floats, and without the sign of zero."""
    if isinstance(value, Mapping):
        return {name: _plain_numbers(v) for name, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_numbers(v) for v in value]
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > LARGEST:
        return value
    return float(value) + 0.0


def _mtd(table: Mapping[str, Any], target: float) -> dict[str, Any]:
    """Leave out what the rule does not read, state the default that depends on the target, and the rest by name."""
    said = {name: value for name, value in table.items() if name != "halfwidth" or table.get("rule") == "interval"}
    if "also" in said:
        also = {each["name"]: {name: value for name, value in each.items() if name != "name"} for each in said["also"]}
        said["also"] = {name: _mtd(each, each.get("target", target)) for name, each in also.items()}
    return said | {"none_above": round(said.get("none_above", MTDRule(target).none_threshold), 9)}


def _posterior(table: Mapping[str, Any], values: tuple[float, ...] | None, doses: int) -> dict[str, Any]:
    """State the reference dose of the BLRM, and leave out the priors that are its default."""
    said = _slope(table)
    if said.get("model", "blrm") in OF_DOSES and values is not None:
        said.setdefault("reference_dose", float(PosteriorModel().reference(values)))
    usual = {
        "mean": WEAKLY_INFORMATIVE_MEAN,
        "cov": WEAKLY_INFORMATIVE_COV,
        "skeleton": {"prior_mtd": max(doses - 1, 1), "halfwidth": 0.05},
    }
    return {name: value for name, value in said.items() if value != _plain_numbers(usual.get(name))}


def _slope(table: Mapping[str, Any]) -> dict[str, Any]:
    """State a prior of the slope that has two names by one: b ~ N(0, sd^2) by its sd, exponential as gamma."""
    said = dict(table)
    prior = said.get("slope_prior")
    if prior is not None and prior["kind"] == "exponential":
        said["slope_prior"] = {**prior, "kind": "gamma"}
    if prior is not None and prior["kind"] == "normal" and "mean" not in prior:
        del said["slope_prior"]
        sd = prior.get("sd", 1.0)
        said |= {} if sd == PRIOR_SD else {"prior_sd": sd}
    return said


def _belief(table: Mapping[str, Any], scenarios: list[str]) -> dict[str, Any]:
    """Name the scenario of each weight, and leave out equal weights."""
    if "weights" not in table:
        return dict(table)
    total = sum(table["weights"])
    weights = {name: weight / total for name, weight in zip(scenarios, table["weights"], strict=True)}
    rest = {name: value for name, value in table.items() if name not in ("weights", "kind")}
    return rest if len(set(weights.values())) == 1 else rest | {"kind": table["kind"], "weights": weights}


def _in_order(rules: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Put rules in an order of their own, those that are joined, too; rules joined twice in one way are so once."""
    said = [
        rule if "kind" in rule else {how: _in_order(flattened(each, how)) for how, each in rule.items()}
        for rule in rules
    ]
    return sorted(said, key=lambda rule: (ORDER.index(rule["kind"]) if "kind" in rule else len(ORDER), _text(rule)))


def _design(table: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out a policy's file, which its digest says; put rules and lines whose order does not matter in order."""
    said = {name: value for name, value in _slope(table).items() if (table.get("kind"), name) != ("policy", "table")}
    if "modifiers" in said:
        said["modifiers"] = _in_order(flattened(said["modifiers"], "any"))
    if "decisions" in said:
        lines = {int(n): letters.split() for n, _, letters in (line.partition(":") for line in said["decisions"])}
        said["decisions"] = [f"{n}: {' '.join(letters)}" for n, letters in sorted(lines.items())]
    if "selection" in said:
        said["selection"] = _design(said["selection"])
    return said
