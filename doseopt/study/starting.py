"""First study files: the text of one for a design like those asked for, with what is needed, and comments."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from doseopt.core.parameters import Fault, Faults, is_number, written
from doseopt.designs import DESIGNS
from doseopt.designs.efficacy import UtilityDesign
from doseopt.study.absent import ALSO, letters, nearest_kind
from doseopt.study.file import parse_study
from doseopt.study.keys import source_of
from doseopt.study.reader import key

LIKE = tuple(kind for kind in DESIGNS if kind not in ("table", "policy"))
"""Kinds of which a file can be begun: a table and a policy are decisions that only their author knows."""
NO_CAP = ("three_plus_three", "a_plus_b", "accelerated_titration", "rolling_six")
"""Kinds that end by themselves."""
PENDING = ("tite_crm", "tite_boin", "rolling_six")
"""Kinds that decide while patients are pending."""
BACKFILLING = ("bf_boin",)
"""Kinds that backfill lower doses, and cap their escalation by themselves."""
RULES = {
    "no_skipping": "never more than one level above the last",
    "coherent": "not up after a cohort with as many DLTs as the target, or more",
    "too_toxic": "stop if the lowest dose is too toxic",
}
STEP = math.log(2.0)
"""Logits between neighbouring doses of the scenarios: the odds of a DLT double."""
NAMES = {
    "three_plus_three": "3+3",
    "a_plus_b": "A+B",
    "i3p3": "i3+3",
    "accelerated_titration": "ATD+3+3",
    "rolling_six": "Rolling six",
    "two_parameter_crm": "Two-parameter CRM",
    "mtpi": "mTPI",
    "mtpi2": "mTPI-2",
    "keyboard": "Keyboard",
}
"""Names of designs; others are their kind in capitals."""


@dataclass(frozen=True)
class Start:
    """What a study begins with.

    Parameters
    ----------
    like : tuple of str
        Kinds of design, by any of their names.
    doses : tuple of str
        As the protocol writes them, the lowest first.
    unit : str
    target : float
        DLT rate that the MTD is to have.
    patients : int
        At most; of designs that end by themselves no limit is written.
    cohort : int
    title : str

    Examples
    --------
    >>> from doseopt.study.file import parse_study
    >>> study = parse_study(Start(("3+3", "boin"), ("10", "20"), "mg", 0.3, 18, 3, "A trial").text())
    >>> list(study.designs), list(study.scenario_specs)
    (['3+3', 'BOIN 18'], ['MTD 10', 'MTD 20', 'too toxic'])
    """

    like: tuple[str, ...] = ("boin",)
    doses: tuple[str, ...] = ("1", "2", "3", "4")
    unit: str = ""
    target: float = 0.25
    patients: int = 24
    cohort: int = 3
    title: str = "A trial"

    def text(self) -> str:
        """Return the study file.

        Raises
        ------
        Faults
            With everything that does not make a study.
        """
        kinds = [kind_of(name) for name in self.like]
        faults = [fault for fault in kinds if isinstance(fault, Fault)] + self._faults()
        if faults:
            raise Faults(faults, "new")
        known = list(dict.fromkeys(str(kind) for kind in kinds))
        if "blrm" in known and not (_values(self.doses) and self.unit):
            got = f"got {', '.join(self.doses)}{' ' * bool(self.unit)}{self.unit}"
            raise Faults([Fault("--doses", f"wanted numbers that rise and their --unit for a BLRM, {got}")], "new")
        weighs_efficacy = any(issubclass(DESIGNS[kind], UtilityDesign) for kind in known)
        fills = not {*BACKFILLING}.isdisjoint(known)
        optimum = self._optimum() if weighs_efficacy else ""
        clock = self._clock() if fills or {*known} & {*PENDING} else ""
        parts = [self._head(), optimum, self._doses(), clock, self._scenarios(weighs_efficacy or fills)]
        text = "\n".join(filter(None, [*parts, *map(self._design, known)]))
        parse_study(text, "new")
        return text

    def _faults(self) -> list[Fault]:
        found = []
        if not self.doses or len(set(self.doses)) < len(self.doses) or not all(self.doses):
            found.append(Fault("--doses", f'wanted doses as "1, 2.5, 5", each once, got {", ".join(self.doses)!r}'))
        values = _values(self.doses)
        if values != sorted(values):
            found.append(Fault("--doses", f"wanted the lowest dose first, got {', '.join(self.doses)}"))
        if not 0 < self.target < 1:
            found.append(Fault("--target", f"wanted a DLT rate between 0 and 1, as 0.25, got {self.target:g}"))
        if not 1 <= self.cohort <= 100:
            found.append(Fault("--cohort", f"wanted 1 to 100 patients, got {self.cohort}"))
        if self.patients < (least := max(1, self.cohort)):
            found.append(Fault("--patients", f"wanted at least one cohort of {least}, got {self.patients}"))
        return found

    def _head(self) -> str:
        return f"""\
# A study file of doseopt, with what is needed and no more. `doseopt check` names every fault of it at once, and
# `doseopt keys` every further key: other definitions of the MTD, a clock, what is believed, an amendment.
title = {_quoted(self.title)}
target = {self.target:g}  # DLT rate that the MTD is to have
"""

    def _doses(self) -> str:
        listed = ", ".join(map(_quoted, self.doses))
        lines = ["[doses]", f"labels = [{listed}]  # the lowest first, as the protocol writes them"]
        if _values(self.doses) and self.unit:  # a value is nothing without its unit
            lines.append(f"values = [{', '.join(self.doses)}]")
        if self.unit:
            lines.append(f"unit = {_quoted(self.unit)}")
        return "\n".join([*lines, ""])

    def _optimum(self) -> str:
        return """\
[obd]  # what the optimal biological dose is; designs take these values, too
phi_e = 0.25  # lowest acceptable efficacy rate
u2 = 40  # utility of neither efficacy nor a DLT; of efficacy alone it is 100, of a DLT alone 0
u3 = 60  # utility of both
"""

    def _clock(self) -> str:
        return """\
[clock]
window = 28  # days in which a DLT counts
accrual = { kind = "poisson", per_month = 2 }  # how patients come
"""

    def _scenarios(self, with_efficacy: bool) -> str:
        """Write a truth for each dose that may be the MTD, and one without any."""
        base, count = math.log(self.target / (1 - self.target)), len(self.doses)
        shifts = {f"MTD {dose}": k for k, dose in enumerate(self.doses)} | {"too toxic": -2.5}
        rates = {name: [_rate(base + STEP * (j - k)) for j in range(count)] for name, k in shifts.items()}
        truths = {name: f"[{', '.join(each)}]" for name, each in rates.items()}
        if with_efficacy:
            works = f"[{', '.join(f'{0.2 + 0.4 * (j + 1) / count:.2f}' for j in range(count))}]"
            truths = {name: f"{{ p_dlt = {p}, p_eff = {works} }}" for name, p in truths.items()}
        rows = [f"{key(name)} = {truth}" for name, truth in truths.items()]
        return "\n".join(
            [
                "# True DLT rates under which the designs are compared, one a dose: an assumption, and yours to make.",
                "# Here the odds of a DLT double from dose to dose; put the rates that you believe possible.",
                *["# p_eff are the efficacy rates, taken to be independent of the DLT."] * with_efficacy,
                "[scenarios]",
                *rows,
                "",
            ]
        )

    def _design(self, kind: str) -> str:
        fields, capped = written(DESIGNS[kind]), kind not in NO_CAP
        name = NAMES.get(kind, kind.replace("_", "-").upper()) + (f" {self.patients}" if capped else "")
        source = source_of(DESIGNS[kind])
        head = [f"# {source}"] if source else []
        lines = [*head, f"[designs.{key(name)}]", f'kind = "{kind}"']
        if "cohort" in fields and kind not in NO_CAP:
            lines.append(f"cohort = {self.cohort}")
        middle = len(self.doses) // 2
        if "skeleton" in fields:
            wide = min(0.05, round(self.target / 4, 3))
            guess = f"{{ prior_mtd = {middle + 1}, halfwidth = {wide:g} }}"
            lines.append(f"skeleton = {guess}  # the level believed to be the MTD; see `doseopt elicit`")
        if "reference_dose" in fields:
            lines.append(f"reference_dose = {self.doses[middle]}  # at which the prior is stated")
        scope = ', scope = "dose"' if kind in PENDING else ""  # a cohort may be pending altogether
        rules = [
            f'    {{ kind = "{rule}"{scope if rule == "coherent" else ""} }},  # {why}'
            for rule, why in RULES.items()
            if _wants(kind, rule)
        ]
        if kind in BACKFILLING:
            lines.append(
                f"cohorts = {max(self.patients // self.cohort, 1)}  # of the escalation; backfilling adds to them"
            )
        elif capped:
            rules.append(f'    {{ kind = "max_patients", n = {self.patients} }},  # ends every trial')
            lines += ["modifiers = [", *rules, "]"]
        return "\n".join([*lines, ""])


def kind_of(name: str) -> str | Fault:
    """Return the kind of design that a name stands for, or what is wrong with it.

    Examples
    --------
    >>> kind_of("3+3"), kind_of("TITE-CRM"), kind_of("bion").message
    ('three_plus_three', 'tite_crm', "unknown design 'bion'; did you mean 'boin'?")
    """
    short = {letters(kind): kind for kind in LIKE}
    for known, kind in ALSO.items():
        if kind in LIKE:
            short[known] = kind
    found = short.get(letters(name))
    return found or Fault("--like", f"unknown design {name!r}{nearest_kind(name, LIKE)}")


def _wants(kind: str, rule: str) -> bool:
    """Tell whether a rule is usual beside a kind: the model-based ones skip no dose; a CRM stops by a rule."""
    by_model = kind in ("crm", "bma_crm", "two_parameter_crm", "tite_crm")
    return by_model or (kind == "blrm" and rule == "no_skipping")


def _values(doses: Sequence[str]) -> list[float]:
    """Return doses as numbers; none if one is no dose in figures."""
    try:
        values = [float(dose) for dose in doses]
    except ValueError:
        return []
    return values if all(is_number(v) and v > 0 for v in values) else []


def _quoted(text: str) -> str:
    """Write a text as TOML does, which here is as JSON does."""
    return json.dumps(text, ensure_ascii=False)


def _rate(logit: float) -> str:
    return f"{min(0.99, max(0.01, 1 / (1 + math.exp(-logit)))):.2f}"
