"""Designs and scenarios to draw from.

A *spec* is the plain data from which both the package's design and the oracle's are made: (family, options,
modifiers). The options carry the names of the package, the modifiers those of `oracle.Trials`.
"""

import functools
import math

import numpy as np
import oracle
from hypothesis import strategies as st

from doseopt import BOIN, CRM, AcceleratedTitration, ThreePlusThree
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import Coherent, EnoughAtDose, MaxPatients, NoSkipping, RunIn, TooToxic

FAMILIES = {"3+3": ThreePlusThree, "atd": AcceleratedTitration, "boin": BOIN, "crm": CRM}
ORACLES = {
    "3+3": oracle.ThreePlusThree,
    "atd": oracle.AcceleratedTitration,
    "boin": oracle.BOIN,
    "crm": oracle.CRM,
}
SKELETON = (0.06, 0.14, 0.25, 0.38, 0.50)


def modifiers_of(modifiers):
    """The package's modifiers."""
    make = {
        "no_skipping": lambda relative_to: NoSkipping(relative_to=relative_to),
        "coherent": lambda scope: Coherent(scope=scope),
        "too_toxic": lambda v: TooToxic(confidence=v[0], above=v[1]),
        "enough": lambda v: EnoughAtDose(n=v[0], dose=v[1], only_if_staying=v[2]),
        "run_in": lambda v: RunIn(levels=v[0], top_up=v[1]),
        "cap": lambda n: MaxPatients(n=n),
    }
    return tuple(make[name](value) for name, value in modifiers.items())


def design_of(spec):
    """The package's design."""
    family, options, modifiers = spec
    base = FAMILIES[family](**options)
    return Modified(base, modifiers_of(modifiers)) if modifiers else base


def trials_of(spec):
    """The oracle's."""
    family, options, modifiers = spec
    return oracle.Trials(ORACLES[family](**options), **modifiers)


def start(doses):
    return st.integers(1, min(2, doses))


@st.composite
def three_plus_three(draw, doses):
    descent = draw(st.sampled_from(["three_then_six", "six", "declare"]))
    options = {"on_descent": descent, "confirm_top": descent != "declare" and draw(st.booleans())}
    options |= {"mtd_at_cap": draw(st.sampled_from(["definition", "not_excluded"]))}
    return options | ({} if descent == "declare" else {"start": draw(start(doses))})


@st.composite
def accelerated(draw, doses):
    options = draw(three_plus_three(doses))
    options |= {"titrate": draw(st.integers(0, doses)), "titration_cohort": draw(st.sampled_from([1, 1, 2, 3, 4]))}
    options |= {"trigger": draw(st.sampled_from(["first_dlt", "first_moderate", "second_moderate"]))}
    return options | {"after_dlt": draw(st.sampled_from(["fill", "three_new"]))}


@st.composite
def boin(draw, doses):
    titration = draw(st.booleans())
    options = {"titration": titration, "cohort": draw(st.sampled_from([1, 2, 3]))}
    options |= {name: draw(st.booleans()) for name in ("extra_safe", "bounded")}
    options |= {"tie": draw(st.sampled_from(["deescalate", "stay"])), "cutoff": draw(st.sampled_from([0.8, 0.9, 0.95]))}
    options |= {"saf": draw(st.sampled_from([0.5, 0.6])), "tox": draw(st.sampled_from([1.3, 1.4, 1.6]))}
    options |= {"eliminate_from": draw(st.sampled_from([2, 3, 4]))}
    return options | ({} if titration else {"start": draw(start(doses))})


@st.composite
def crm(draw, doses):
    options = {"skeleton": SKELETON[:doses], "cohort": draw(st.sampled_from([1, 2, 3])), "start": draw(start(doses))}
    options |= {"model": draw(st.sampled_from(["empiric", "logistic"])), "select_untried": draw(st.booleans())}
    options |= {"estimate": draw(st.sampled_from(["plugin", "mean"]))}
    return options | {"prior_sd": draw(st.sampled_from([0.75, math.sqrt(1.34)]))}


@st.composite
def modifiers(draw, family, options, doses):
    found = {}
    wanted = draw(st.sets(st.sampled_from(["no_skipping", "coherent", "too_toxic", "enough", "run_in"])))
    if "no_skipping" in wanted:
        found["no_skipping"] = draw(st.sampled_from(["last", "highest"]))
    if "coherent" in wanted:
        found["coherent"] = draw(st.sampled_from(["cohort", "dose"]))
    if "too_toxic" in wanted:
        found["too_toxic"] = draw(st.sampled_from([0.6, 0.8, 0.95])), draw(st.sampled_from([None, 0.2, 0.35]))
    if "enough" in wanted:
        where = draw(st.sampled_from(["recommended", "any", 1, doses]))
        found["enough"] = draw(st.integers(3, 9)), where, draw(st.booleans())
    if "run_in" in wanted and family != "atd" and not options.get("titration"):
        found["run_in"] = draw(st.integers(1, doses)), draw(st.booleans())
    if family in ("boin", "crm") or draw(st.booleans()):
        found["cap"] = draw(st.integers(6, 9 if options.get("cohort", 3) == 1 else 12))
    order = draw(st.permutations(sorted(found)))
    return {name: found[name] for name in order}


@st.composite
def specs(draw, families=("3+3", "atd", "boin", "crm")):
    """A design of any family with random options and modifiers, small enough to enumerate."""
    family = draw(st.sampled_from(families))
    doses = draw(st.integers(1, 4))
    make = {"3+3": three_plus_three, "atd": accelerated, "boin": boin, "crm": crm}[family]
    options = draw(make(doses))
    options |= {"doses": doses, "target": draw(st.sampled_from([0.2, 0.25, 0.3, 1 / 3]))}
    return family, options, draw(modifiers(family, options, doses))


def rates(doses, low=0.0, high=1.0):
    """True DLT rates in any order, 0 and 1 among them."""
    one = st.one_of(st.sampled_from([low, high]), st.floats(low, high, allow_subnormal=False))
    return st.lists(one, min_size=doses, max_size=doses)


@functools.cache
def random_rates(doses, rows, seed):
    """Rising DLT rates, [R, D]."""
    return np.sort(np.random.default_rng(seed).uniform(0.01, 0.75, (rows, doses)), axis=1)
