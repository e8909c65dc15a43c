"""The designs beside the complete-information benchmark."""

from __future__ import annotations

import xarray as xr

from doseopt.reports.render.document import Block, Heading, Paragraph
from doseopt.reports.sections.measures import Measure, measure_tables

MEASURES = (
    Measure("benchmark_correct_selection", "Correct selection of the benchmark (%)", 0),
    Measure("regret_to_benchmark", "Correct selection: benchmark minus design (percentage points)", -1),
    Measure("ratio_to_benchmark", "Correct selection: design in % of the benchmark", 1, averaged=False),
    Measure("accuracy_index", "Accuracy index of the design (x 100; 100 at best, 0 if doses are drawn by lot)", 0),
    Measure("benchmark_accuracy_index", "Accuracy index of the benchmark (x 100)", 0),
)
WHAT = (
    "The benchmark knows of each patient at which doses a DLT would occur, and selects the dose with the DLT fraction "
    "closest to the target, of several the lowest. It has as many patients as the design on average in the scenario, "
    "and is exact. It always selects a dose, so it is not shown where only selecting none is correct. It is no bound "
    "for designs that use prior information or are slow to leave a dose: these can exceed it. The accuracy index "
    "(Cheung 2011) counts how far selected doses are from the target; selecting none adds nothing to its sum, which "
    "flatters it."
)


ONE_DOSE = (
    "Not shown for a single dose: the benchmark would always select it, and the accuracy index would be the "
    "probability that a design selects none."
)


def benchmark(ds: xr.Dataset) -> list[Block]:
    """Show each design against the benchmark with the same expected number of patients; empty if it is not there."""
    title = Heading("Against the complete-information benchmark")
    if "benchmark_correct_selection" in ds and ds.sizes["dose"] == 1:
        return [title, Paragraph(ONE_DOSE)]
    if "benchmark_correct_selection" not in ds or not bool(ds["benchmark_correct_selection"].notnull().any()):
        return []
    return [title, Paragraph(WHAT), *measure_tables(ds, MEASURES)]
