"""What the claims are computed from: the study, and its comparisons, each computed when first asked for."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr

import doseopt
from doseopt.attainable.attained import limits_of
from doseopt.comparison.break_even import break_even
from doseopt.comparison.definition_map import definition_map
from doseopt.comparison.silences import silences
from doseopt.study.file import parse_study
from doseopt.study.study import Study

KEPT = ("flat", "MTD 0.15 steep", "MTD 1.5 shallow", "MTD 4.5 steep", "too toxic")
"""Scenarios of a reduced build."""
LARGEST, POINTS = 14, 5
"""Of a reduced build: the largest enrolment cap, and the belief's values of each parameter."""
LESS = {16: 12, 25: 14}
"""Caps of a reduced build."""
KINDS, SIZES = ("CRM", "BOIN"), ("small", "middle", "large")


def reduced(study: Study) -> Study:
    """Return a smaller study with the same kinds of designs: few scenarios, small trials, a coarse belief."""
    document = tomllib.loads(study.to_toml())
    document["scenarios"] = {name: document["scenarios"][name] for name in KEPT}
    document["belief"]["points"] = POINTS
    for name in list(document["designs"]):
        design = document["designs"].pop(name)
        cap = next((m for m in design.get("modifiers", []) if m["kind"] == "max_patients"), None)
        if cap is None:
            design["modifiers"] = [*design.get("modifiers", []), {"kind": "max_patients", "n": LARGEST}]
        elif cap["n"] in LESS:
            name, cap["n"] = name.replace(str(cap["n"]), str(LESS[cap["n"]])), LESS[cap["n"]]
        document["designs"][name] = design
    own = list(document["designs"])
    proposed = [name for name in own if not name.startswith("ATD") and not name.endswith(" 10")]
    document["amendment"] |= {"amended": proposed}
    import tomli_w

    return parse_study(tomli_w.dumps(document), f"{study.name} (reduced)")


@dataclass(frozen=True, eq=False)
class Material:
    """A study and what follows from it.

    Parameters
    ----------
    study : Study
    is_reduced : bool
        Whether the build is a reduced one.
    """

    study: Study
    is_reduced: bool = False

    @cached_property
    def roles(self) -> dict[str, str]:
        """The names of the designs, by what they are in the paper."""
        assert self.study.proposal is not None
        caps = {name: design.facts.cap for name, design in self.study.designs.items()}
        found = {"registered": self.study.proposal.registered}
        others = {name: cap for name, cap in caps.items() if name.startswith("ATD") and name not in found.values()}
        found["naming"] = next(name for name in others if name.endswith("naming"))
        found["uncapped"] = next(name for name in others if name != found["naming"])
        crm = [cap for name, cap in caps.items() if name.startswith("CRM ")]
        for kind in KINDS:
            members = {cap: name for name, cap in caps.items() if name.startswith(f"{kind} ")}
            found |= {f"{kind.lower()}_{size}": members.pop(cap) for size, cap in zip(SIZES, crm, strict=True)}
            found |= {f"{kind.lower()}_between": name for name in members.values()}
        return found

    @cached_property
    def caps(self) -> dict[str, int]:
        """The enrolment caps of CRM and BOIN."""
        return {size: int(self.study.designs[self.roles[f"crm_{size}"]].facts.cap or 0) for size in SIZES}

    @cached_property
    def comparison(self) -> xr.Dataset:
        """Exact operating characteristics of every design in every scenario."""
        return doseopt.compare(self.study)

    @cached_property
    def limits(self) -> xr.Dataset:
        """What is attained of what is attainable; most of the time that a build takes."""
        return limits_of(self.study).dataset

    @cached_property
    def readings(self) -> dict[str, xr.Dataset]:
        """Every reading of the registered design's silences, with its cap and, in a full build, without."""
        registered = silences(self.study, self.roles["registered"])
        if self.is_reduced:
            return {"registered": registered, "uncapped": registered}
        return {"registered": registered, "uncapped": silences(self.study, self.roles["uncapped"])}

    @cached_property
    def definitions(self) -> xr.Dataset:
        """Who is best, over definition of right, target, naming rule and share of false DLTs."""
        return definition_map(self.study)

    @cached_property
    def turns(self) -> dict[str, xr.Dataset]:
        """How wrong the study may be before the order turns, by the role of the design that others are held to."""
        roles, others = self.roles, [n for n in self.study.designs if n != self.roles["registered"]]
        pairs = {
            "registered": others,
            "uncapped": [n for n in others if not n.startswith("ATD")],
            "naming": [roles["crm_small"], roles["boin_small"]],
            "crm_middle": [roles["crm_large"]],
        }
        return {role: break_even(self.study, roles[role], list(named)) for role, named in pairs.items()}

    @cached_property
    def interim(self) -> str:
        """The outcomes at which the amendment is worked through: the first interim of the study file."""
        assert self.study.proposal is not None
        return next(iter(self.study.proposal.interims.values()))

    def right(self) -> np.ndarray:
        """Return in which scenarios a dose is a correct selection, [scenario]."""
        return np.asarray(self.comparison["acceptable"].any("dose").to_numpy())
