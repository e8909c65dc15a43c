"""The second benchmark: designs of the whole grammar along the axes that decide their ranking, exact throughout.

Definition of right, naming rule, false and late DLTs, and pace of accrual; the elicited scenarios as revised, and
random curves of two published generators. `python3 run.py python benchmarks/statistical/axes.py` writes axes.nc,
axes.csv and axes.md into results/; an interrupted run goes on where it stopped, on any executor.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import doseopt
from benchmarks.statistical.cells import SEED
from doseopt.comparison.definitions import judge_selections
from doseopt.comparison.like_for_like import named_endings, naming_rules
from doseopt.core.files import write_whole
from doseopt.core.state import FloatArray
from doseopt.designs.layers import with_names
from doseopt.engines.exact import Exact
from doseopt.engines.means import means_of
from doseopt.measures.expected import linear_measures
from doseopt.scenarios import GENERATORS, make_scenarios
from doseopt.study.file import load_study
from doseopt.study.study import Study
from doseopt.study.sweep import Cell, Result, processes, seed_of, sweep

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results"
DRAWS = 200
"""Curves of each generator."""
OFF = {
    "as stated": (0.0, 0.0),
    "false 10%": (0.1, 0.0),
    "false 20%": (0.2, 0.0),
    "late 20%": (0.0, 0.2),
    "late 40%": (0.0, 0.4),
}
"""Share of patients with an event wrongly called a DLT, and of DLTs that come too late to be seen."""
PACES = (0.55, 1.1, 2.2)
"""Patients a month."""
MEANS = ("patients_below_mtd", "patients_above_mtd", "sample_size", "no_selection")
EVIDENCE = ("meets_definition", "declared_patients", "declared_on_few")
MAIN = "main"
LEVEL = 2
"""Standard errors within which a design may be the first."""


def study() -> Study:
    """Return the bundled study with the further designs of axes.toml, and paces of accrual."""
    bundled = load_study("renji-elo")
    assert bundled.clock is not None
    clock = dataclasses.replace(bundled.clock, also_per_month=PACES[1:])
    designs = bundled.designs | load_study(FOLDER / "studies" / "axes.toml").designs
    return dataclasses.replace(bundled, designs=designs, clock=clock, proposal=None)


def truths(study: Study, draws: int) -> dict[str, FloatArray]:
    """Return the true DLT rates of each family, [R, D]."""
    doses, target = len(study.doses.labels), study.target
    found = {"elicited": study.scenarios["p_dlt"].to_numpy()}
    for name, generator in GENERATORS.items():
        found[name] = generator(doses, target, draws, np.random.default_rng(seed_of(SEED, "axes", name)))
    return found


def definitions(study: Study) -> dict[str, Any]:
    """Return the definitions of right."""
    return {MAIN: study.mtd, **study.also}


def measured(study: Study, design: str, family: str, draws: int) -> Mapping[str, FloatArray]:
    """Return what a design attains in a family, by scenario; a cell of a sweep.

    `correct`, `overdose` [off, naming, definition, R]; `MEANS` [R]; of the elicited scenarios `EVIDENCE` [R] and
    `months` [pace, R] until the last follow-up ends.
    """
    p, rules = truths(study, draws)[family], definitions(study)
    made = study.designs[design]
    names = [str(k) for k in range(len(p))]
    parts: dict[str, list[Any]] = {"correct": [], "overdose": []}
    for false, late in OFF.values():
        scenarios = make_scenarios(p, names, p_observed=1 - (1 - p * (1 - late)) * (1 - false))
        chosen: dict[str, list[FloatArray]] = {naming: [] for naming in naming_rules(study.definition)}
        for naming, endings in named_endings(study, Exact(), design, made, scenarios):
            chosen[naming].append(endings.mean(endings.chosen))
        each = [np.concatenate(part) for part in chosen.values()]
        judged = [[judge_selections(part, scenarios, rule) for rule in rules.values()] for part in each]
        for what, collected in parts.items():
            collected.append([[one[what] for one in row] for row in judged])
    linear = linear_measures(means_of(with_names(made, None), p), p, study.mtd)
    found = {what: np.array(part) for what, part in parts.items()} | {name: linear[name] for name in MEANS}
    return found | (_in_time(study, design) if family == "elicited" else {})


def _in_time(study: Study, design: str) -> dict[str, FloatArray]:
    """Return evidence at the dose declared, and months by pace."""
    ds = doseopt.compare(dataclasses.replace(study, designs={design: study.designs[design]}), posteriors=False)
    at = ds.isel(design=0)
    days = at["completion_at_pace"].transpose("pace", "scenario").to_numpy()
    return {name: at[name].to_numpy() for name in EVIDENCE} | {"months": days / (365.25 / 12)}


def cells(study: Study, draws: int) -> list[Cell]:
    """Return a cell for each design and family."""
    return [
        Cell(f"{design}, {family}", measured, study, {"design": design, "family": family, "draws": draws})
        for design in study.designs
        for family in truths(study, 1)
    ]


def dataset_of(study: Study, found: Mapping[str, Result], draws: int) -> xr.Dataset:
    """Return everything by scenario, labelled; nan where nothing was computed."""
    dims = ("off", "naming", "definition", "scenario")
    coords = {
        "off": list(OFF),
        "naming": list(naming_rules(study.definition)),
        "definition": list(definitions(study)),
    }
    pieces = []
    for family, p in truths(study, draws).items():
        names = study.scenarios["scenario"].to_numpy().tolist() if family == "elicited" else range(1, len(p) + 1)
        here = coords | {"scenario": [f"{family}: {name}" for name in names], "pace": list(PACES)}
        rows = []
        for design in study.designs:
            part = found[f"{design}, {family}"]
            data = {what: (dims, part[what]) for what in ("correct", "overdose")}
            data |= {name: ("scenario", part[name]) for name in (*MEANS, *EVIDENCE) if name in part}
            data |= {"months": (("pace", "scenario"), part["months"])} if "months" in part else {}
            rows.append(xr.Dataset(data, here))
        whole = xr.concat(rows, xr.DataArray(list(study.designs), dims="design", name="design"))
        whole["p_dlt"] = (("scenario", "dose"), p)
        pieces.append(whole.assign_coords(family=("scenario", [family] * len(p))))
    ds = xr.concat(pieces, "scenario", data_vars="all")
    texts = {"correct": "probability of correct selection", "overdose": "probability of selecting an overdose"}
    for name in ds.data_vars:
        ds[name].attrs = {"units": "months" if name == "months" else "1", "long_name": texts.get(str(name), str(name))}
    return ds.assign_attrs(study.provenance(), seed=SEED, draws=draws, engine="exact")


def ranks(ds: xr.Dataset) -> xr.Dataset:
    """Return mean correct and overdose selection by family, with rank uncertainty over the scenarios of a family.

    `first`: the design has the highest mean; `may_be_first`: it lies within `LEVEL` standard errors of the paired
    difference to it; of elicited scenarios, which are no sample, within none.
    """
    parts = []
    for family, of_family in ds.groupby("family"):
        correct = of_family["correct"]
        mean = correct.mean("scenario")
        best = mean.idxmax("design")
        paired = correct - correct.sel(design=best)
        error = paired.std("scenario", ddof=1) / np.sqrt(paired.sizes["scenario"])
        error = error * (0.0 if family == "elicited" else 1.0)
        part = xr.Dataset({"correct": mean, "overdose": of_family["overdose"].mean("scenario"), "error": error})
        part["rank"] = 1 + (mean.rename(design="other") > mean + 1e-9).sum("other")
        part["may_be_first"] = mean.max("design") - mean <= LEVEL * error + 1e-9
        parts.append(part.drop_vars("family", errors="ignore").expand_dims(family=[family]))
    return xr.concat(parts, "family")


def page(ds: xr.Dataset, table: xr.Dataset) -> str:
    """Return the summary: one line for each design, at a glance."""
    main = table.sel(definition=MAIN, off="as stated", naming="as read")
    wins = table["may_be_first"].mean([d for d in table["may_be_first"].dims if d not in ("design", "family")])
    said = ds.attrs
    lines = [
        "# Designs along the axes, at a glance",
        "",
        f"Written by axes.py: {len(ds['design'])} designs, {said['draws']} curves of each generator and the",
        f"elicited scenarios of {said['study']} ({said['study_hash']}), doseopt {said['version']}; exact.",
        "",
        "Correct / overdose selection in %, as read, by the main definition. May be first: share of all combinations",
        "of definition, naming rule and share of false or late DLTs in which no design is ahead by more than",
        f"{LEVEL} standard errors of the paired difference over random curves (elicited scenarios are no sample: by",
        "nothing). Elicited scenarios: patients in all and below the MTD; trials whose declared dose meets the",
        f"registered definition; months to the last follow-up at {PACES[0]:g} patients a month. Designs keep their own",
        "target under every definition.",
        "",
        f"| design | {' | '.join(f'{f}: correct / overdose' for f in table['family'].to_numpy())} | may be first: "
        f"{' | '.join(map(str, table['family'].to_numpy()))} | patients | below | meets | months |",
        f"| --- |{' ---: |' * (2 * len(table['family']) + 4)}",
    ]
    mine = ds.isel(scenario=np.flatnonzero(ds["family"] == "elicited")).mean("scenario")
    order = main["correct"].mean("family").sortby(-main["correct"].mean("family"))["design"].to_numpy().tolist()
    for name in order:
        at, one = main.sel(design=name), mine.sel(design=name)
        cells_ = [f"{100 * at['correct'][k]:.1f} / {100 * at['overdose'][k]:.1f}" for k in range(len(table["family"]))]
        cells_ += [f"{100 * share:.0f}%" for share in wins.sel(design=name).to_numpy()]
        cells_ += [f"{one['sample_size']:.1f}", f"{one['patients_below_mtd']:.1f}"]
        cells_ += [f"{100 * one['meets_definition']:.0f}%", f"{one['months'].sel(pace=PACES[0]):.0f}"]
        lines.append(f"| {name} | {' | '.join(cells_)} |")
    return "\n".join(lines) + "\n"


def run(out: Path, executor: Executor | None = None, draws: int = DRAWS, progress: bool = False) -> list[Path]:
    """Run everything, and write the Dataset, the table and the summary."""
    made = study()
    found = sweep(cells(made, draws), out / "unfinished-axes", executor, progress)
    ds = dataset_of(made, found, draws)
    table = ranks(ds)
    packing = {name: {"zlib": True, "complevel": 9, "dtype": "float32"} for name in ds.data_vars}
    frame = table.to_dataframe().reset_index().sort_values(["family", "off", "naming", "definition", "rank", "design"])
    written = [
        write_whole(out / "axes.nc", lambda p: ds.to_netcdf(p, engine="netcdf4", encoding=packing)),
        write_whole(out / "axes.csv", lambda p: frame.to_csv(p, index=False, float_format="%.6f", lineterminator="\n")),
        write_whole(out / "axes.md", lambda p: p.write_text(page(ds, table), encoding="utf-8")),
    ]
    shutil.rmtree(out / "unfinished-axes")
    return written


def main(given: Sequence[str] | None = None) -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder; results/ beside this file if left out")
    parser.add_argument("--workers", type=int, default=1, help="processes; 1 if left out")
    parser.add_argument("--draws", type=int, default=DRAWS, help=f"curves of each generator; {DRAWS} if left out")
    options = parser.parse_args(given)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.workers > 1:
        with processes(options.workers) as executor:
            written = run(options.out, executor, options.draws, True)
    else:
        written = run(options.out, None, options.draws, True)
    print("Written:", *written, sep="\n  ")
    return 0


if __name__ == "__main__":
    sys.exit(main())
