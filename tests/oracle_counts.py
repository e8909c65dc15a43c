"""States, edges, endings and paths by enumeration, of BOIN by its boundaries, too; shares no line with the package."""

import functools
import itertools
import math

from peers.reading import read


def enumerated(first, after, decide):
    """Counts by going through all trials a layer of patients at a time.

    `first` is the trial without patients; `decide(trials)` returns (dose, size), or None to stop, for each of a list;
    `after(trial, dose, size, dlts)` is the trial after a cohort. Trials are tuples that begin with n and y.
    """
    layers, counts, seen = {0: {first: 1}}, dict.fromkeys(("states", "edges", "endings", "paths"), 0), []
    while layers:
        layer = layers.pop(min(layers))
        counts["states"] += len(layer)
        seen += layer
        for (trial, ways), decision in zip(layer.items(), decide(list(layer)), strict=True):
            if decision is None:
                counts["endings"] += 1
                counts["paths"] += ways
                continue
            dose, size = decision
            counts["edges"] += size + 1
            for dlts in range(size + 1):
                child = after(trial, dose, size, dlts)
                later = layers.setdefault(sum(child[0]), {})
                later[child] = later.get(child, 0) + ways
    return counts, seen


def plus(counts, dose, more):
    return (*counts[:dose], counts[dose] + more, *counts[dose + 1 :])


def treated(trial, dose, size, dlts):
    """(n, y, last dose) after a cohort."""
    return plus(trial[0], dose, size), plus(trial[1], dose, dlts), dose


@functools.cache
def boundaries(target):
    """R BOIN 2.7.2 `get.boundary`: by n, escalate if y <=, de-escalate if y >=, eliminate if y >=."""
    rows = [
        row
        for row in read("boin_boundaries.csv")
        if float(row["target"]) == target and float(row["cutoff_eli"]) == 0.95 and row["extrasafe"] == "FALSE"
        if math.isclose(float(row["p_saf"]), 0.6 * target) and math.isclose(float(row["p_tox"]), 1.4 * target)
    ]
    columns = ("escalate_le", "deescalate_ge", "eliminate_ge")
    return {int(row["n"]): tuple(int(row[c]) if row[c] else 10**6 for c in columns) for row in rows}


def boin_by_table(doses, target, patients, cohort):
    """BOIN conducted by R's table: no dose at or above one that is eliminated."""
    table = boundaries(target)

    def move(trial):
        n, y, dose = trial
        if dose < 0:
            return 0, cohort
        out = (j for j in range(doses) if n[j] and y[j] >= table[n[j]][2])
        ceiling = next(out, doses) - 1
        if ceiling < 0 or sum(n) >= patients:
            return None
        up, down, _ = table[n[dose]]
        step = 1 if y[dose] <= up else -1 if y[dose] >= down else 0
        return min(max(dose + step, 0), ceiling), min(cohort, patients - sum(n))

    nothing = (0,) * doses
    return enumerated((nothing, nothing, -1), treated, lambda layer: map(move, layer))[0]


def further_boundaries(target, patients):
    """The same by Liu and Yuan 2015: y / n against two limits, and Pr(rate > target) > 0.95 under a uniform prior."""

    def limit(other):
        return math.log((1 - other) / (1 - target)) / math.log(target * (1 - other) / (other * (1 - target)))

    up, down, found = limit(0.6 * target), limit(1.4 * target), {}
    for n in range(1, patients + 1):
        chance = itertools.accumulate(
            math.comb(n + 1, k) * target**k * (1 - target) ** (n + 1 - k) for k in range(n + 1)
        )
        out = next((y for y, above in enumerate(chance) if above > 0.95 and n >= 3), 10**6)
        found[n] = math.floor(n * up), math.ceil(n * down), out
    return found


def boin_in_sets(doses, target, patients, cohort):
    """States, edges and endings of BOIN: sets of trials, each one whole number, a cohort at a time.

    Its lowest 8 bits are the dose last given and how many doses are not eliminated, and 12 bits a dose its patients and
    DLTs.
    """
    table, layer = further_boundaries(target, patients), {doses << 4}
    counts, seen = {"states": 0, "edges": 0, "endings": 0}, 0
    while layer:
        counts["states"] += len(layer)
        size, after = min(cohort, patients - seen), set()
        for trial in layer:
            dose, left = trial & 15, trial >> 4 & 15
            if not left or not size:
                counts["endings"] += 1
                continue
            if seen:
                n, y = trial >> 8 + 12 * dose & 63, trial >> 14 + 12 * dose & 63
                up, down, _ = table[n]
                dose = min(max(dose + (y <= up) - (y >= down), 0), left - 1)
            counts["edges"] += size + 1
            tally = (trial >> 8) + (size << 12 * dose)
            n, y = tally >> 12 * dose & 63, tally >> 6 + 12 * dose & 63
            out = table[n][2]
            for dlts in range(size + 1):
                after.add((tally + (dlts << 6 + 12 * dose)) << 8 | (dose if y + dlts >= out else left) << 4 | dose)
        layer, seen = after, seen + size
    return counts
