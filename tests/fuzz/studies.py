"""Study files to begin with: the bundled ones, and ones whose designs have random parameters of what they declare."""

import functools
import tomllib

from fuzz.clocks import timed
from fuzz.hostile import increasing, mutate, number_in, pick, scramble

from doseopt.beliefs import BELIEFS
from doseopt.core.parameters import written
from doseopt.designs import DESIGNS
from doseopt.designs.modifiers import MODIFIERS
from doseopt.scenarios import GENERATORS, TRANSFORMS
from doseopt.study.file import BUNDLED
from doseopt.study.rules import STOPS

GIVEN = ("doses", "target", "dose_values", "unit")
"""What a study gives to its designs."""


@functools.cache
def bundled():
    """The documents of the bundled studies."""
    return tuple(
        tomllib.loads(file.read_text(encoding="utf-8"))
        for file in sorted(BUNDLED.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".toml")
    )


def _free(rng, name, doses):
    """A value for what no single declaration bounds, mostly a sensible one."""
    made = {
        "skeleton": lambda: pick(
            rng,
            (
                increasing(rng, doses, 0.001, 0.999),
                {"prior_mtd": number_in(rng, 1, 5, True), "halfwidth": number_in(rng, 0, 0.3, False)},
            ),
        ),
        "initial": lambda: sorted(number_in(rng, 1, doses, True) for _ in range(int(rng.integers(0, 9)))),
        "other": lambda: increasing(rng, doses, 0, 1),
        "skeletons": lambda: [increasing(rng, doses, 0.01, 0.99) for _ in range(int(rng.integers(1, 4)))],
        "weights": lambda: [float(v) for v in rng.dirichlet([1] * int(rng.integers(1, 4)))],
        "mean": lambda: [float(v) for v in rng.normal(0, pick(rng, (1, 5, 100)), 2)],
        "cov": lambda: _cov(rng),
        "intervals": lambda: increasing(rng, 2, 0, 1),
        "decisions": lambda: [
            f"{n}: " + " ".join(pick(rng, ("E", "S", "D", "DU")) for _ in range(n + 1))
            for n in range(1, int(rng.integers(2, 14)))
        ],
        "sizes": lambda: [number_in(rng, 1, 100, True) for _ in range(int(rng.integers(1, doses + 2)))],
        "slope_prior": lambda: _slope(rng),
        "dose": lambda: pick(rng, ("recommended", "any", "all", number_in(rng, 1, doses, True))),
        "prior": lambda: [number_in(rng, 0, 5, False), number_in(rng, 0, 5, False)],
        "ratio": lambda: pick(rng, (number_in(rng, 0, 5, False), increasing(rng, 2, 1, 9))),
        "from_dose": lambda: increasing(rng, 1, 0, 99),
        "from_dlts": lambda: [number_in(rng, 1, 3, True)],
        "interval": lambda: increasing(rng, 2, 0, 1),
    }
    return made[name]() if name in made else number_in(rng, 0, 10, True)


def _slope(rng):
    parts = {"normal": ("mean", "sd"), "exponential": ("rate",), "gamma": ("shape", "rate")}
    kind = pick(rng, tuple(parts))
    ends = {"mean": (-10, 10), "sd": (0.001, 10), "rate": (0.001, 1000), "shape": (0.1, 1000)}
    return {"kind": kind} | {name: number_in(rng, *ends[name], False) for name in parts[kind]}


def _cov(rng):
    a, b = (float(rng.choice([0.01, 0.5, 1.0, 3.0, 10.0])) for _ in range(2))
    rho = float(rng.choice([0.0, 0.0, 0.5, -0.9, 0.99, 1.0]))
    return [[a * a, rho * a * b], [rho * a * b, b * b]]


def table_of(rng, kind, cls, doses):
    """A design or modifier with random parameters of what it declares."""
    table = {"kind": kind}
    for name, field in written(cls).items():
        domain = field.metadata["domain"]
        needed = not hasattr(cls, field.name) and name not in GIVEN
        if name in GIVEN or (not needed and rng.random() < 0.6):
            continue
        if domain.choices:
            table[name] = pick(rng, domain.choices)
        elif domain.kind is bool:
            table[name] = bool(rng.integers(2))
        elif domain.kind in (int, float) and domain.custom is None:
            table[name] = number_in(rng, domain.low, domain.high, domain.kind is int)
        else:
            table[name] = _free(rng, name, doses)
    return table


def _names(rng):
    """When a dose may be named."""
    made = {"at_least": number_in(rng, 1, 9, True)}
    for key, values in (("rate", ("1/6", "1/3", "0.5")), ("dlts", (0, 1, 2)), ("otherwise", ("none", "best"))):
        made |= {key: pick(rng, values)} if rng.random() < 0.4 else {}
    return pick(rng, ("any", "definition", made, made, made | {"unless_complete": bool(rng.integers(2))}))


def _joined(rng, doses, depth=0):
    """Rules that end a trial, joined by all or any."""
    parts = []
    for _ in range(int(rng.integers(2, 4))):
        name = pick(rng, tuple(STOPS))
        nest = depth < 2 and rng.random() < 0.3
        parts.append(_joined(rng, doses, depth + 1) if nest else table_of(rng, name, STOPS[name], doses))
    return {pick(rng, ("all", "any")): parts}


def random_study(rng):
    """A study of one or two designs with random parameters: many can run, others are refused."""
    doses = pick(rng, (1, 2, 3, 4, 4, 5, 9, 20))
    values = [float(v) for v in 10.0 ** rng.uniform(-3, 3) * 1.7 ** rng.uniform(0.2, 2, doses).cumsum()]
    document = {
        "title": "random",
        "target": pick(rng, (0.25, 0.3, 1 / 3, 0.05, 0.9, float(rng.uniform(0, 1)))),
        "doses": {"labels": [str(i) for i in range(doses)], "values": values, "unit": "mg"},
        "scenarios": {f"s{k}": increasing(rng, doses, 0, 1) for k in range(int(rng.integers(1, 4)))},
        "designs": {},
    }
    if rng.random() < 0.1:  # they are the values
        del document["doses"]["labels"]
    elif rng.random() < 0.1:
        document["doses"]["assumed"] = [pick(rng, document["doses"]["labels"])]
    for k in range(int(rng.integers(1, 3))):
        kind = pick(rng, [kind for kind in DESIGNS if kind != "policy" or rng.random() < 0.1])
        table = table_of(rng, kind, DESIGNS[kind], doses)
        if kind == "blrm" and rng.random() < 0.8:
            table["reference_dose"] = pick(rng, values)
        laid = [name for name in MODIFIERS if rng.random() < 0.15 and name != "max_patients"]
        table["modifiers"] = [table_of(rng, name, MODIFIERS[name], doses) for name in laid]
        if rng.random() < 0.2:
            table["modifiers"].append(_joined(rng, doses))
        if rng.random() < 0.1:
            table["below_lowest"] = pick(rng, ("stop", "stay"))
        if rng.random() < 0.9:
            table["modifiers"].append({"kind": "max_patients", "n": pick(rng, (1, 3, 6, 9, 12, 24, 40, 1000))})
        if rng.random() < 0.1:
            other = pick(rng, tuple(DESIGNS))
            table["selection"] = table_of(rng, other, DESIGNS[other], doses)
        elif rng.random() < 0.1:
            prior = pick(rng, ({}, {"prior": [number_in(rng, 0, 5, False), 1]}, {"none": False}))
            table["selection"] = {"kind": "most_probable", **prior}
        if rng.random() < 0.2:
            table["names"] = _names(rng)
        document["designs"][f"design {k}"] = table
    if rng.random() < 0.5:
        document["posterior"] = _posterior(rng, doses, values)
    if rng.random() < 0.3:
        kind = pick(rng, tuple(BELIEFS))
        document["belief"] = table_of(rng, kind, BELIEFS[kind], doses)
    if rng.random() < 0.2:
        document["scenarios"]["drawn"] = {
            "generator": pick(rng, tuple(GENERATORS)),
            "count": number_in(rng, 1, 20, True),
            "seed": number_in(rng, 0, 9, True),
        }
    if rng.random() < 0.2:
        kind = pick(rng, tuple(TRANSFORMS))
        transform = table_of(rng, kind, TRANSFORMS[kind], doses)
        document["scenarios"]["changed"] = {"p_dlt": increasing(rng, doses, 0, 1), "transform": transform}
    if rng.random() < 0.1:
        del document["scenarios"]
    return document


def _posterior(rng, doses, values):
    model = pick(rng, ("blrm", "empiric", "logistic", "bma", "beta", "monotone", "two_populations"))
    table = {"model": model}
    if model in ("blrm", "two_populations"):
        table |= {"reference_dose": pick(rng, values), "mean": _free(rng, "mean", doses), "cov": _cov(rng)}
    elif model == "beta":
        table |= {"a": number_in(rng, 0, 5, False), "b": number_in(rng, 0, 5, False)}
    elif model == "monotone":
        table |= {"precision": number_in(rng, 0.01, 1000, False), "skeleton": _free(rng, "skeleton", doses)}
    elif model != "bma" and rng.random() < 0.3:
        table |= {"slope_prior": _slope(rng), "skeleton": _free(rng, "skeleton", doses)}
    else:
        table |= {"prior_sd": number_in(rng, 0.001, 10, False)}
        table |= {} if model == "bma" else {"skeleton": _free(rng, "skeleton", doses)}
    if rng.random() < 0.3:
        table |= {"likelihood": pick(rng, ("complete", "weighted")), "left": pick(rng, ("reading", "censored"))}
    if rng.random() < 0.2:
        n = rng.integers(0, 7, doses)
        table["external"] = {"n": n.tolist(), "y": rng.binomial(n, 0.3).tolist(), "weight": float(rng.random())}
    return table


def smaller(rng, document):
    """The same study with one to three of its designs and scenarios, for a quick answer."""
    if "amendment" in document and rng.random() < 0.1:
        return document
    kept = {key: part for key, part in document.items() if key != "amendment"}
    return {**kept, **{part: _some(rng, document[part]) for part in ("designs", "scenarios")}}


def _some(rng, table):
    names = list(table)
    return {names[i]: table[names[i]] for i in rng.permutation(len(names))[: int(rng.integers(1, 4))]}


def study_text(rng):
    """The text of a study file: right, nearly right, or not at all."""
    import tomli_w

    document = random_study(rng) if rng.random() < 0.6 else smaller(rng, pick(rng, bundled()))
    if rng.random() < 0.3:
        document = timed(rng, document)
    if rng.random() < 0.4:
        document = mutate(rng, document)
    text = tomli_w.dumps(document)
    return scramble(rng, text) if rng.random() < 0.1 else text
