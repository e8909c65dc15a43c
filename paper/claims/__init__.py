"""One file a claim: `claims(material)` returns the numbers that the text, its tables and figures quote."""

from paper.claims import (
    amendment,
    attains,
    benchmark,
    certain,
    checks,
    designs,
    endings,
    estimation,
    gap,
    limits,
    maps,
    protocol,
    published,
    silences,
    simulation,
    tuning,
    waiting,
)

CLAIMS = {
    "protocol": protocol.claims,
    "certain": certain.claims,
    "gap": gap.claims,
    "maps": maps.claims,
    "endings": endings.claims,
    "waiting": waiting.claims,
    "published": published.claims,
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
