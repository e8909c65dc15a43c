"""Names of other software that doseopt does not have: said so, where a near name would mislead."""

from __future__ import annotations

from collections.abc import Iterable

from doseopt.core.parameters import close, nearest

_COMBINATION = "which takes combinations of drugs"
_EFFICACY = "which weighs efficacy, too"
_GRADES = "which weighs grades of toxicity"
_OF_EFFICACY = "under this name: scenarios state p_eff, and [obd] what is right"
_PENDING = "which decides while patients are in their DLT window"

ABSENT = {
    "bard": f"BARD, {_EFFICACY}",
    "bcd": "the biased coin design",
    "biasedcoin": "the biased coin design",
    "boincomb": f"BOIN COMB, {_COMBINATION}",
    "boinet": f"BOIN-ET, {_EFFICACY}",
    "copula": f"copula-type models, {_COMBINATION}",
    "crmet": f"a CRM {_EFFICACY}",
    "dacrm": f"DA-CRM, {_PENDING}",
    "efftox": f"EffTox, {_EFFICACY}",
    "gboin": f"gBOIN, {_GRADES}",
    "isotonic": "isotonic designs; a selection by isotonic regression is that of boin",
    "mtpitite": f"TITE-mTPI, {_PENDING}",
    "partialordercrm": f"PO-CRM, {_COMBINATION}",
    "pipe": f"PIPE, {_COMBINATION}",
    "pocrm": f"PO-CRM, {_COMBINATION}",
    "podtpi": f"POD-TPI, {_PENDING}",
    "rtpi": f"R-TPI, {_PENDING}",
    "stein": f"STEIN, {_EFFICACY}",
    "titeblrm": f"TITE-BLRM, {_PENDING}",
    "titeboin12": f"TITE-BOIN12, {_EFFICACY}",
    "titeboinet": f"TITE-BOIN-ET, {_EFFICACY}",
    "titekeyboard": f"TITE-Keyboard, {_PENDING}",
    "titemtpi": f"TITE-mTPI, {_PENDING}",
    "titepipe": f"TITE-PIPE, {_COMBINATION}",
    "titetpi": f"TITE-TPI, {_PENDING}",
    "uboin": f"U-BOIN, {_EFFICACY}",
    "ucrm": f"the utility CRM, {_EFFICACY}",
    "upanddown": "up-and-down designs; a table can hold their rules",
    "wagestait": f"the design of Wages and Tait, {_EFFICACY}",
    "waterfall": f"the waterfall design, {_COMBINATION}",
    "backfill": "backfilling under this name: bf_boin does it, with the key n_cap",
    "agents": "combinations of drugs",
    "backfilling": "backfilling under this name: bf_boin does it, with the key n_cap",
    "combination": "combinations of drugs",
    "combinations": "combinations of drugs",
    "drugs": "combinations of drugs",
    "efficacy": f"an efficacy endpoint {_OF_EFFICACY}",
    "effectox": f"EffTox, {_EFFICACY}",
    "futility": "rules on efficacy but those of boin12",
    "mtdc": "combinations of drugs",
    "obd": "designs that seek the optimal biological dose under this name; boin12 does",
    "optimalbiologicaldose": "designs that seek the optimal biological dose under this name; boin12 does",
    "order": "partial orders of toxicity",
    "orders": "partial orders of toxicity",
    "partialorder": "partial orders of toxicity",
    "partialorders": "partial orders of toxicity",
    "response": f"an efficacy endpoint {_OF_EFFICACY}",
    "schedule": "schedules beside doses",
    "schedules": "schedules beside doses",
}
"""What it is called, in small letters and digits alone, and what it would be."""

ALSO = {
    "33": "three_plus_three",
    "3plus3": "three_plus_three",
    "atd": "accelerated_titration",
    "bfboin": "bf_boin",
    "titration": "accelerated_titration",
    "cumulativecohort": "ccd",
    "cumulativecohortdesign": "ccd",
    "ewoc": 'blrm with rule = "ewoc"',
    "power": "crm",
    "twoparametercrm": "two_parameter_crm",
    "crm2": "two_parameter_crm",
    "logistic2": "two_parameter_crm",
    "crml": 'crm with estimate = "mle"',
    "cibp": "crm with cibp",
    "twostagecrm": "crm with initial",
    "rolling6": "rolling_six",
    "rollingsix": "rolling_six",
    "tboin": "tite_boin",
    "titeboin": "tite_boin",
    "titecrm": "tite_crm",
    "cap": "max_patients",
    "maxn": "max_patients",
}
"""Other names of what doseopt has."""


OF_RULES = {
    **dict.fromkeys(
        ("cap", "maxn", "nmax", "maxpatients", "maxsamplesize", "samplesize", "ncap", "patients"), "max_patients"
    ),
    **dict.fromkeys(("noskip", "skipping", "nodoseskipping"), "no_skipping"),
    **dict.fromkeys(("runin", "titration", "acceleratedtitration", "titrate"), "titrate"),
    **dict.fromkeys(("safety", "safetystop", "stop", "toxic", "tootoxic"), "too_toxic"),
    **dict.fromkeys(("maxincrement", "increment", "maxratio"), "max_ratio"),
    **dict.fromkeys(("cohortsizes",), "cohorts_in_order"),
    **dict.fromkeys(("cohortrange",), "cohort_range"),
}
"""What users write in a design's table and mean a rule, in small letters and digits alone; the rule."""


def letters(name: str) -> str:
    """Return a name in small letters and digits alone."""
    return "".join(c for c in name.casefold() if c.isalnum())


def near(name: str, known: Iterable[str]) -> list[str]:
    """Return the name that is probably meant, if there is one; of what doseopt does not have there is none."""
    return [] if letters(name) in ABSENT else close(name, known)


def nearest_kind(name: object, kinds: Iterable[str]) -> str:
    """Return what `nearest` does; of what doseopt does not have, that it does not, and no near name.

    Examples
    --------
    >>> nearest_kind("efftox", ["boin", "crm"])
    ': doseopt does not have EffTox, which weighs efficacy, too; known: boin, crm'
    >>> nearest_kind("bion", ["boin", "crm"])
    "; did you mean 'boin'?"
    """
    names = list(kinds)
    short = letters(name) if isinstance(name, str) else ""
    if short in ABSENT:
        return f": doseopt does not have {ABSENT[short]}" + (f"; known: {', '.join(names)}" if names else "")
    if short in ALSO and ALSO[short].split()[0] in names:
        return f"; did you mean {ALSO[short]!r}?"
    return nearest(str(name), names)
