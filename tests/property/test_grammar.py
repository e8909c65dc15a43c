"""The grammar of designs: designs drawn from all of it are exact, and the order of their rules does not matter."""

import numpy as np
import oracle_grammar
import pytest
import tomli_w

from doseopt.engines.exact import ending_weights
from doseopt.engines.graph import build_graph
from doseopt.study.file import parse_study

SKELETON = (0.08, 0.2, 0.35)
DESIGNS = 210
PARTS = 7


def pick(rng, values):
    return values[int(rng.integers(len(values)))]


def condition(rng, doses, kind, depth=0):
    """A rule that ends a trial, joined to others or not."""
    level = pick(rng, ["recommended", *range(1, doses + 1)])
    made = {
        "too_toxic": lambda: {
            **{"kind": "too_toxic", "confidence": pick(rng, [0.5, 0.7, 0.9]), "dose": level},
            **pick(rng, [{}, {"prior": [0.5, 1.0]}, {"prior": [1.0, 1.0], "above": 0.4}]),
            "selects": pick(rng, ["none", "design"]),
        },
        "enough_at_dose": lambda: {
            **{"kind": "enough_at_dose", "n": int(rng.integers(2, 7)), "only_if_staying": bool(rng.integers(2))},
            "dose": pick(rng, [level, "any"]),
        },
        "target_probability": lambda: {
            **{"kind": "target_probability", "interval": pick(rng, [[0.15, 0.35], [0.2, 0.5]]), "dose": level},
            "probability": pick(rng, [0.3, 0.5]),
        },
        "repeated": lambda: {"kind": "repeated", "times": int(rng.integers(2, 4))},
        "dlts_seen": lambda: {"kind": "dlts_seen", "y": int(rng.integers(1, 4)), "dose": pick(rng, ["all", level])},
        "enough_patients": lambda: {"kind": "enough_patients", "n": int(rng.integers(3, 8))},
        "below_lowest": lambda: {"kind": "below_lowest"},
    }
    kinds = [name for name in made if name != "below_lowest" or kind == "boin"]
    if rng.random() < 0.35 and depth < 2:
        parts = [condition(rng, doses, kind, depth + 1) for _ in range(int(rng.integers(2, 4)))]
        return {pick(rng, ["all", "any"]): parts}
    return made[pick(rng, kinds)]()


def rules(rng, doses, kind):
    """Rules laid over a design, in any order."""
    found = [condition(rng, doses, kind) for _ in range(int(rng.integers(0, 4)))]
    if rng.random() < 0.4:
        levels = int(rng.integers(1, 3))
        found.append({"kind": "no_skipping", "relative_to": pick(rng, ["last", "highest"]), "levels": levels})
    if rng.random() < 0.3:
        found.append({"kind": "no_skipping_down"})
    if rng.random() < 0.3:
        ratios = [
            {"ratio": 2.0},
            {"ratio": [3.0, 2.0], "from_dlts": [1]},
            {"ratio": [1.0, 2.5], "from_dose": [2.0]},
        ]
        found.append({"kind": "max_ratio", **pick(rng, ratios)})
    if rng.random() < 0.3:
        safety = {"a": pick(rng, [0.5, 1.0]), "b": 1.0, "confidence": pick(rng, [0.6, 0.8])}
        found.append({"kind": "beta_safety", **safety, "from": int(rng.integers(1, 4))})
    if rng.random() < 0.3:
        found.append({"kind": "coherent", "scope": pick(rng, ["cohort", "dose"])})
    if kind != "three_plus_three" and rng.random() < 0.4:
        sizes = [
            {"kind": "cohorts_in_order", "sizes": [1, 2, 3]},
            {"kind": "cohorts_by_dlt", "before": 1, "after": 2},
            {"kind": "cohorts_by_dose", "sizes": [int(v) for v in rng.integers(1, 4, doses)]},
        ]
        found.append(pick(rng, sizes))
    if kind != "three_plus_three" and rng.random() < 0.3:
        ranges = [{"from": 1, "to": 3}, {"from": 2, "to": 3, "weights": [0.75, 0.25]}]
        found.append({"kind": "cohort_range", **pick(rng, ranges)})
    if rng.random() < 0.2:
        found.append({"kind": "demand_at_dose", "n": int(rng.integers(2, 6))})
    found.append({"kind": "max_patients", "n": int(rng.integers(6, 9))})
    return list({repr(rule): rule for rule in found}.values())


def table(rng, doses):
    """The table of a design in a study file."""
    kind = pick(rng, ["boin", "crm", "three_plus_three"])
    made = {"kind": kind}
    if kind != "three_plus_three":
        made |= {"cohort": int(rng.integers(2, 4)), "start": int(rng.integers(1, doses + 1))}
    if kind == "crm":
        made |= {"skeleton": list(SKELETON[:doses]), "select_untried": bool(rng.integers(2))}
    return made | {"modifiers": rules(rng, doses, kind)}


def study_of(design, doses):
    labels = [str(j + 1) for j in range(doses)]
    document = {
        **{"title": "drawn", "target": 0.25, "scenarios": {"one": [0.2] * doses}, "designs": {"drawn": design}},
        "doses": {"labels": labels, "values": [1.0, 2.0, 5.0][:doses], "unit": "mg"},
    }
    return parse_study(tomli_w.dumps(document))


def endings(design, p):
    """{(n, y, mtd, reason): probability} by the package."""
    graph = build_graph(design)
    weight = ending_weights(graph, np.array([p]))[0]
    found = {}
    for i, mtd, w in zip(graph.ending, graph.selected, weight, strict=True):
        reason = design.facts.stops[graph.decision.stop[i] - 1]
        key = tuple(graph.state.n[i]), tuple(graph.state.y[i]), None if mtd < 0 else int(mtd), reason
        found[key] = found.get(key, 0.0) + float(w)
    return found


@pytest.mark.parametrize("part", range(PARTS))
def test_drawn_designs_are_exact_whatever_the_order_of_their_rules(part):
    """210 designs: every ending, its MTD, its reason and its probability are those of the recursion."""
    rng = np.random.default_rng([20261129, part])
    for _ in range(DESIGNS // PARTS):
        doses = int(rng.integers(1, 4))
        drawn, p = table(rng, doses), np.sort(rng.uniform(0.02, 0.8, doses))
        study = study_of(drawn, doses)
        wanted = oracle_grammar.Design(drawn, 0.25, doses, [1.0, 2.0, 5.0][:doses]).evaluate(p.tolist(), None)
        found = endings(study.designs["drawn"], p)
        note = repr(drawn)
        assert set(found) == set(wanted), note
        assert max(abs(found[key] - wanted[key]) for key in wanted) < 1e-10, note
        turned = dict(
            drawn, modifiers=[shuffled(rng, rule) for rule in rng.permutation(np.array(drawn["modifiers"], object))]
        )
        other = study_of(turned, doses)
        assert other.hash == study.hash, note
        again = endings(other.designs["drawn"], p)
        assert set(again) == set(found), note
        assert max(abs(again[key] - found[key]) for key in found) < 1e-12, note


def shuffled(rng, rule):
    """The same rule with what it joins in another order."""
    for how in ("all", "any"):
        if how in rule:
            return {how: [shuffled(rng, part) for part in rng.permutation(np.array(rule[how], object))]}
    return rule
