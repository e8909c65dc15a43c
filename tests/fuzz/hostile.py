"""Values and texts that no one means, and documents that are almost right."""

import copy

import numpy as np

TEXTS = (
    "",
    " ",
    "\x1b[2J",
    "\x00",
    "a\u202eb",
    "\ufffe",
    "\ufeff",
    "[/]",
    "[bold red]x[/bold]",
    "=cmd()",
    "@SUM(A1)",
    "a\nb",
    "a\tb",
    "é" * 50,
    "x" * 250,
    "y" * 30_000,
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "/dev/null",
    "/",
    ".",
    "nan",
    "1e400",
    "٣",
    "²",
    "𝟙",
    "%s %d {0} {x}",
    "$(reboot)",
    "\\",
    '"',
    "'",
    "🦀" * 10,
)
NUMBERS = (
    0,
    1,
    -1,
    2,
    3,
    7,
    99,
    1000,
    10**6,
    2**31,
    2**63 - 1,
    2**63,
    -(2**63),
    10**400,
    0.0,
    -0.0,
    0.5,
    1.0,
    1 - 1e-16,
    5e-324,
    1e-300,
    1e-9,
    1e9,
    1e308,
    -1e308,
    float("nan"),
    float("inf"),
    float("-inf"),
)


def pick(rng, values):
    """One of the values, whatever they are."""
    return values[int(rng.integers(len(values)))]


def value(rng, depth=0):
    """A value of any type."""
    kind = int(rng.integers(8 if depth < 3 else 5))
    if kind < 2:
        return pick(rng, NUMBERS)
    if kind < 4:
        return pick(rng, TEXTS)
    if kind == 4:
        return bool(rng.integers(2))
    if kind < 7:
        return [value(rng, depth + 1) for _ in range(int(rng.integers(5)))]
    return {pick(rng, TEXTS): value(rng, depth + 1) for _ in range(int(rng.integers(3)))}


def nested(depth):
    """Lists in each other."""
    found = []
    for _ in range(depth):
        found = [found]
    return found


def places(document):
    """All (container, key) of a document."""
    found = []
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for key, inside in items:
        found.append((document, key))
        if isinstance(inside, dict | list):
            found += places(inside)
    return found


def _near(rng, old):
    """A value of the same type that is another one."""
    if isinstance(old, bool):
        return not old
    if isinstance(old, int):
        return old + int(rng.integers(-3, 4)) if rng.random() < 0.7 else old * int(rng.integers(-2, 20))
    if isinstance(old, float):
        return float(old * rng.choice([0.0, 0.5, 0.9, 1.1, 2.0, 10.0, -1.0, 1e-6, 1e6]))
    if isinstance(old, str):
        cut = int(rng.integers(len(old) + 1))
        return old[:cut] + pick(rng, TEXTS)[:300] + old[cut:] if rng.random() < 0.5 else old[:cut]
    if isinstance(old, list):
        parts = copy.deepcopy(old)
        if parts and rng.random() < 0.4:
            return parts * int(rng.integers(0, 4))
        return [parts[i] for i in rng.permutation(len(parts))[: int(rng.integers(len(parts) + 1))]]
    return {}


def mutate(rng, document):
    """Change a document in a few places: drop, rename, swap, repeat, other types, other values."""
    document = copy.deepcopy(document)
    for _ in range(int(rng.integers(1, 4))):
        known = places(document)
        if not known:
            return document
        holder, key = pick(rng, known)
        old = holder[key]
        how = int(rng.integers(8))
        if how == 0:
            del holder[key]
        elif how == 1 and isinstance(holder, dict):
            holder[_near(rng, key)] = holder.pop(key)
        elif how == 2:
            other, place = pick(rng, known)
            there = other[place]
            inside = [pair[0] for part in (old, there) if isinstance(part, dict | list) for pair in places(part)]
            if (
                all(each is not holder and each is not other for each in inside)
                and old is not other
                and there is not holder
            ):
                holder[key], other[place] = there, old
        elif how == 3 and isinstance(holder, list):
            holder.append(copy.deepcopy(old))
        elif how == 4:
            holder[key] = nested(int(rng.integers(1, 40)))
        elif how == 5:
            holder[key] = value(rng)
        else:
            holder[key] = _near(rng, old)
    return document


def scramble(rng, text):
    """Change a text in a few places, without regard to what it says."""
    for _ in range(int(rng.integers(1, 4))):
        start, stop = sorted(int(i) for i in rng.integers(0, len(text) + 1, 2))
        stop = min(stop, start + int(rng.integers(0, 40)))
        middle = (pick(rng, TEXTS), text[start:stop] * 2, "", str(pick(rng, NUMBERS)), pick(rng, "[]{}=\".,#\n'"))
        text = text[:start] + pick(rng, middle) + text[stop:]
    return text


def number_in(rng, low, high, whole):
    """A number of a domain, mostly a small one inside it."""
    if whole:
        return int(min(max(low, -3) + rng.integers(0, pick(rng, (1, 2, 3, 4, 12, 40))), high))
    low, high = max(low, -5.0), min(high, 20.0)
    if rng.random() < 0.05:
        return pick(rng, (low, high))
    return float(pick(rng, (rng.uniform(low, high), low + (high - low) * rng.beta(1, 8))))


def increasing(rng, count, low, high):
    """Increasing numbers."""
    return [float(v) for v in np.sort(rng.uniform(low, high, count)).round(int(rng.integers(1, 6)))]
