"""The grammar of designs: designs drawn from all of it are exact, and the order of their rules does not matter."""

import numpy as np
import oracle_grammar
import pytest
import tomli_w

from doseopt.designs.modifiers import MODIFIERS
from doseopt.engines.exact import edge_weights, ending_weights
from doseopt.engines.graph import build_graph
from doseopt.study.file import parse_study

SKELETON = (0.08, 0.2, 0.35)
DESIGNS = 240
PARTS = 8
AT_ONCE = 2


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
        "narrow_interval": lambda: {"kind": "narrow_interval", "width": pick(rng, [0.45, 0.6])},
    }
    without = {"crm": {"below_lowest", "narrow_interval"}, "three_plus_three": {"below_lowest"}, "boin": set()}
    kinds = [name for name in made if name not in without[kind]]
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
    if rng.random() < 0.3:
        single = {"kind": "run_in", "levels": int(rng.integers(1, doses + 1)), "top_up": bool(rng.integers(2))}
        found.append(titration(rng, doses) if rng.random() < 0.8 else single)
    if rng.random() < 0.2:
        found.append({"kind": "demand_at_dose", "n": int(rng.integers(2, 6))})
    found.append({"kind": pick(rng, ["max_patients"] * 4 + ["max_enrolled"]), "n": int(rng.integers(6, 9))})
    return list({repr(rule): rule for rule in found}.values())


def titration(rng, doses):
    """A titration, with or without moderate toxicities."""
    ends = [{}, {"until": "grade2"}, {"until": "second_grade2"}, {"until": int(rng.integers(1, doses + 1))}]
    made = {"kind": "titrate", **pick(rng, ends), "after": pick(rng, ["fill", "next", "three_new"])}
    made |= {"at_last": pick(rng, ["rule", "next", "fill"]), "cohort": pick(rng, [1, 1, 2])}
    if not isinstance(made.get("until"), int) and rng.integers(2):
        made["levels"] = int(rng.integers(1, doses + 1))
    return made


def naming(rng):
    """When a dose may be named."""
    evidence = {"at_least": int(rng.integers(1, 5)), "otherwise": pick(rng, ["none", "best"])}
    return evidence | pick(rng, [{}, {"dlts": 1}, {"rate": "1/3"}]) | pick(rng, [{}, {"unless_complete": True}])


def table(rng, doses):
    """The table of a design in a study file."""
    kind = pick(rng, ["boin", "crm", "three_plus_three"])
    made = {"kind": kind}
    if kind != "three_plus_three":
        made |= {"cohort": int(rng.integers(2, 4)), "start": int(rng.integers(1, doses + 1))}
    if kind == "crm":
        made |= {"skeleton": list(SKELETON[:doses]), "select_untried": bool(rng.integers(2))}
    if rng.random() < 0.4:
        made["names"] = naming(rng)
    if rng.random() < 0.25:
        choosers = [{"kind": "crm", "skeleton": list(SKELETON[:doses])}, {"kind": "boin", "cutoff": 0.8}]
        made["selection"] = pick(rng, choosers)
    if kind == "three_plus_three" and rng.integers(2):
        made |= {"confirm_top": False, "on_descent": pick(rng, ["three_then_six", "declare"])}
    return made | {"modifiers": rules(rng, doses, kind)}


def study_of(design, doses):
    labels = [str(j + 1) for j in range(doses)]
    document = {
        **{"title": "drawn", "target": 0.25, "scenarios": {"one": [0.2] * doses}, "designs": {"drawn": design}},
        "doses": {"labels": labels, "values": [1.0, 2.0, 5.0][:doses], "unit": "mg"},
    }
    return parse_study(tomli_w.dumps(document))


def endings(design, p, moderate):
    """{(n, y, mtd, reason): probability} by the package."""
    graph = build_graph(design, edges=True)
    if design.facts.outcomes.graded:
        weight = edge_weights(graph, np.array([p]), np.array([moderate]))[0, graph.ending]
    else:
        weight = ending_weights(graph, np.array([p]))[0]
    found = {}
    for i, mtd, w in zip(graph.ending, graph.selected, weight, strict=True):
        reason = design.facts.stops[graph.decision.stop[i] - 1]
        key = tuple(graph.state.n[i]), tuple(graph.state.y[i]), None if mtd < 0 else int(mtd), reason
        found[key] = found.get(key, 0.0) + float(w)
    return found


@pytest.mark.parametrize(
    "part", [pytest.param(part, marks=[pytest.mark.slow] * (part >= AT_ONCE)) for part in range(PARTS)]
)
def test_drawn_designs_are_exact_whatever_the_order_of_their_rules(part):
    """240 designs, 60 of them at once: every ending, MTD, reason and probability are those of the recursion."""
    rng = np.random.default_rng([20261129, part])
    for _ in range(DESIGNS // PARTS):
        doses = int(rng.integers(1, 4))
        drawn, p, moderate = table(rng, doses), np.sort(rng.uniform(0.02, 0.8, doses)), rng.uniform(0, 0.6, doses)
        study = study_of(drawn, doses)
        wanted = oracle_grammar.Design(drawn, 0.25, doses, [1.0, 2.0, 5.0][:doses]).evaluate(
            p.tolist(), moderate.tolist()
        )
        found = endings(study.designs["drawn"], p, moderate)
        note = repr(drawn)
        assert set(found) == set(wanted), note
        assert max(abs(found[key] - wanted[key]) for key in wanted) < 1e-10, note
        turned = dict(
            drawn, modifiers=[shuffled(rng, rule) for rule in rng.permutation(np.array(drawn["modifiers"], object))]
        )
        other = study_of(turned, doses)
        assert other.hash == study.hash, note
        again = endings(other.designs["drawn"], p, moderate)
        assert set(again) == set(found), note
        assert max(abs(again[key] - found[key]) for key in found) < 1e-12, note


def shuffled(rng, rule):
    """The same rule with what it joins in another order."""
    for how in ("all", "any"):
        if how in rule:
            return {how: [shuffled(rng, part) for part in rng.permutation(np.array(rule[how], object))]}
    return rule


def kinds(rules):
    """Kinds of rules, joined ones too."""
    inside = [kinds(rule[how]) for rule in rules for how in ("all", "any") if how in rule]
    return {rule["kind"] for rule in rules if "kind" in rule}.union(*inside)


def test_every_kind_of_rule_is_drawn():
    drawn = set()
    for part in range(PARTS):
        rng = np.random.default_rng([7, part])
        tables = [table(rng, int(rng.integers(1, 4))) for _ in range(DESIGNS // PARTS)]
        drawn |= set().union(*(kinds(one["modifiers"]) for one in tables))
    assert drawn == MODIFIERS.keys()
