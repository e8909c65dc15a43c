"""What simulation costs for a given Monte Carlo error, beside the exact engine and its rounding error."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache, partial
from typing import Any

import numpy as np

from benchmarks.speed import cases
from benchmarks.speed.measure import Record, Task, timed
from doseopt.core.compiled import loops
from doseopt.engines.exact import ending_weights
from doseopt.engines.graph import Reach

DESIGNS = {"3+3": cases.three_plus_three, "BOIN": cases.boin, "CRM": cases.crm}
ERRORS = (1e-2, 1e-3, 1e-4, 5e-5)
"""Standard errors: of 1,000 to 10,000 trials as is usual, and down to agreement in the fourth digit."""
MOST = 300_000
"""Trials that are simulated, a thirtieth in a single repeat; the time of more is taken from the rate."""


def rounding_error(graph: Reach, selection: Any, p: tuple[float, ...]) -> float:
    """Return the largest error of the probabilities of selection against the same sums in whole numbers.

    A float is a whole number over a power of two, and so is a product of floats: with p_j = a_j / 2^s, the sum over
    endings of paths prod_j a_j^y_j (2^s - a_j)^(n_j - y_j) 2^(s (N - n)) is exact. The numbers of paths are: they stay
    below 2^53.
    """
    parts = [Fraction(x) for x in p]
    shift = max(x.denominator.bit_length() - 1 for x in parts)
    a = [int(x * 2**shift) for x in parts]
    power = cache(pow)
    n, y = graph.state.n[graph.ending].tolist(), graph.state.y[graph.ending].tolist()
    most = max(map(sum, n))
    total = [0] * (graph.design.facts.doses + 1)
    for i, (paths, chosen) in enumerate(zip(graph.paths[graph.ending].tolist(), graph.selected.tolist(), strict=True)):
        term = int(paths) << shift * (most - sum(n[i]))
        for j, (patients, dlts) in enumerate(zip(n[i], y[i], strict=True)):
            term *= power(a[j], dlts) * power(2**shift - a[j], patients - dlts)
        total[chosen + 1] += term
    whole = 2 ** (shift * most)
    return max(abs(float(Fraction(float(s)) - Fraction(t, whole))) for s, t in zip(selection[0], total, strict=True))


def _measured(repeats: int, name: str) -> Record:
    """Time the exact engine, then simulations of more and more trials, by the compiled loops, which are at hand."""
    loops()
    design = DESIGNS[name]()
    record, (graph, selection, _, _) = timed(partial(cases.exact, design), repeats)
    p = float(selection[0, 1 + int(np.argmin(np.abs(np.array(cases.TRUTH) - cases.TARGET)))])
    mass = np.abs(ending_weights(graph, cases.thousand()).sum(axis=1) - 1).max()
    error = rounding_error(graph, selection, cases.TRUTH)
    trials = [math.ceil(p * (1 - p) / se**2) for se in ERRORS]
    rows, rate = [], math.nan
    for se, count in zip(ERRORS, trials, strict=True):
        measured = count <= (MOST if repeats > 1 else MOST // 30)
        if measured:
            simulated, _ = timed(partial(cases.simulate, design, count), repeats)
            rate = count / simulated["processor_median"]
        rows.append(
            {"standard_error": se, "trials": count, "measured": measured, "seconds": float(f"{count / rate:.4g}")}
        )
    return record | {
        "design": name,
        "probability": p,
        "rounding_error": error,
        "mass_error": float(mass),
        "trials_at_rounding_error": p * (1 - p) / max(error, np.finfo(float).eps) ** 2,
        "simulated": rows,
    }


TASKS = tuple(Task(f"accuracy/{name}", partial(_measured, name=name), slow=name == "CRM") for name in DESIGNS)


def markdown(records: list[Record], machine: str) -> str:
    """Return the times as a page."""
    lines = [
        "# What a Monte Carlo error costs",
        "",
        "Probability p of selecting the MTD (level 3) at DLT rates 0.05, 0.15, 0.30, 0.45; 4 doses, 30 patients (the",
        "3+3: 24 at most). Trials: p (1 - p) / error^2. Processor seconds; those marked * are extrapolated from the",
        "trials a second of the largest simulation that was run. Medians on",
        f"{machine}.",
        "",
        "| design | p | exact | its rounding error | " + " | ".join(f"error {error:g}" for error in ERRORS) + " |",
        "| --- | --- | --- | --- |" + " --- |" * len(ERRORS),
    ]
    for r in (record for record in records if "simulated" in record):
        cells = [
            f"{row['trials']:,} trials, {row['seconds']:,.3g} s{'' if row['measured'] else '*'}"
            for row in r["simulated"]
        ]
        first = (r["design"], f"{r['probability']:.4f}", f"{r['processor_median']:.3g} s", f"{r['rounding_error']:.0e}")
        lines.append("| " + " | ".join((*first, *cells)) + " |")
    most = max((r["trials_at_rounding_error"] for r in records if "simulated" in r), default=math.nan)
    lines += [
        "",
        "The rounding error is the largest difference of the probabilities of selection from the same sums in whole",
        f"numbers. A Monte Carlo error as small would take up to {most:.0e} trials.",
    ]
    return "\n".join(lines) + "\n"
