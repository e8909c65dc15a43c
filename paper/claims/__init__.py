"""One file a claim: `claims(material)` returns the numbers that the text, its tables and figures quote."""

from paper.claims import (
    amendment,
    attains,
    benchmark,
    checks,
    designs,
    estimation,
    limits,
    protocol,
    silences,
    simulation,
    tuning,
)

CLAIMS = {
    "protocol": protocol.claims,
    "attains": attains.claims,
    "silences": silences.claims,
    "designs": designs.claims,
    "benchmark": benchmark.claims,
    "limits": limits.claims,
    "tuning": tuning.claims,
    "estimation": estimation.claims,
    "simulation": simulation.claims,
    "amendment": amendment.claims,
    "checks": checks.claims,
}
"""Every results file, by its name."""
