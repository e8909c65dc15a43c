"""One patient in the DLT window, by integrating over the time of the first event: imports nothing of `doseopt`."""

import numpy as np

NODES, WEIGHTS = np.polynomial.legendre.leggauss(40)
TIME, WEIGHTS = (NODES + 1) / 2, WEIGHTS / 2


def first_events(p, chances, onset):
    """P(a DLT comes first), [P(event e comes first), ..] of events that have a probability each without treatment."""
    hazards = [-np.log1p(-m) for m in chances]
    alive = np.exp(-sum(hazards) * TIME)
    mu = -np.log1p(-p)
    density, free = (mu * np.exp(-mu * TIME), np.exp(-mu * TIME)) if onset == "constant" else (p, 1 - p * TIME)
    return (WEIGHTS * density * alive).sum(), [(WEIGHTS * k * alive * free).sum() for k in hazards]


def patient(p, events, onset="constant"):
    """(replaced, left out, a DLT is seen, counts without one) of a patient enrolled.

    `events` are (probability, reading, share that is called a DLT).
    """
    dlt, others = first_events(p, [m for m, _, _ in events], onset)
    replaced = left_out = 0.0
    for chance, (_, reading, share) in zip(others, events, strict=True):
        called = 1.0 if reading == "dlt" else share
        dlt += called * chance
        replaced += (1 - called) * chance * (reading == "replace")
        left_out += (1 - called) * chance * (reading == "exclude")
    return np.array([replaced, left_out, dlt, 1 - replaced - left_out - dlt])
