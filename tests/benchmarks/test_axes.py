"""The benchmark along axes: as the comparison has it, resumed after an interrupt, and the same on Dask's workers."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import oracle_bundled
import pandas as pd
import pytest
import xarray as xr

from benchmarks.statistical import axes
from doseopt import compare

RESULTS = axes.RESULTS
FEW = ["ATD+3+3 cap 10", "BOIN 10"]


@pytest.fixture(scope="module")
def small():
    made = axes.study()
    return dataclasses.replace(made, designs={name: made.designs[name] for name in FEW})


@pytest.fixture
def two(monkeypatch, small):
    monkeypatch.setattr(axes, "study", lambda: small)


def test_a_cell_says_what_the_comparison_says(small):
    found = axes.measured(small, "ATD+3+3 cap 10", "elicited", 3)
    one = dataclasses.replace(small, designs={"ATD+3+3 cap 10": small.designs["ATD+3+3 cap 10"]})
    ds = compare(one, posteriors=False).isel(design=0)
    as_read = found["correct"][0, 0]
    assert as_read == pytest.approx(ds["correct_by_definition"].transpose("definition", "scenario").values, abs=1e-12)
    assert found["overdose"][0, :, 0] == pytest.approx(ds["overdose_by_naming"].transpose("naming", "scenario").values)
    assert found["patients_below_mtd"] == pytest.approx(ds["patients_below_mtd"].values, nan_ok=True)
    assert found["months"][0] == pytest.approx(ds["completion"].values / 30.4375)


def test_false_and_late_dlts_by_a_recursion_of_its_own(small):
    """In the scenario "mild" of BOIN 10, the fourth dose being right."""
    place = small.scenarios["scenario"].to_numpy().tolist().index("mild")
    found = axes.measured(small, "BOIN 10", "elicited", 3)["correct"][:, 0, 0, place]
    for value, (false, late) in zip(found, axes.OFF.values(), strict=True):
        p = [1 - (1 - q * (1 - late)) * (1 - false) for q in (0.03, 0.06, 0.10, 0.16)]
        ends = oracle_bundled.boin(10).weighed(p)
        assert value == pytest.approx(math.fsum(w for _, _, mtd, w in ends if mtd == 3), abs=1e-12)


def test_an_interrupted_run_goes_on_and_gives_the_same_bytes(two, small, tmp_path, monkeypatch):
    whole = axes.run(tmp_path / "whole", draws=3)
    done = []

    def interrupted(study, design, family, draws):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(design)
        return measured(study, design, family, draws)

    measured = axes.measured
    interrupted.__module__, interrupted.__qualname__ = measured.__module__, measured.__qualname__
    monkeypatch.setattr(axes, "measured", interrupted)
    with pytest.raises(KeyboardInterrupt):
        axes.run(tmp_path / "broken", draws=3)
    assert len(list((tmp_path / "broken" / "unfinished-axes").glob("*"))) >= 2
    monkeypatch.setattr(axes, "measured", measured)
    again = axes.run(tmp_path / "broken", draws=3)
    for one, other in zip(whole, again, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


@pytest.mark.slow
def test_dask_gives_the_same_bytes(two, tmp_path):
    from distributed import Client, LocalCluster

    alone = axes.run(tmp_path / "alone", draws=3)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        spread = axes.run(tmp_path / "spread", client.get_executor(), draws=3)
    for one, other in zip(alone, spread, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_ranks_by_hand():
    """Differences of b to a are -.1, -.1 and -.4: mean -.2, standard error .1; c is level in none."""
    values = np.array([[0.5, 0.6, 0.7], [0.4, 0.5, 0.3], [0.1, 0.1, 0.1]])
    dims = ("design", "scenario")
    data = {"correct": (dims, values), "overdose": (dims, 0 * values)}
    ds = xr.Dataset(data, {"design": ["a", "b", "c"], "family": ("scenario", ["drawn"] * 3)})
    found = axes.ranks(ds).isel(family=0)
    assert found["error"].values == pytest.approx([0, 0.1, np.std([0.4, 0.5, 0.6], ddof=1) / np.sqrt(3)])
    assert found["rank"].values.tolist() == [1, 2, 3]
    assert found["may_be_first"].values.tolist() == [True, True, False]


def test_what_is_recorded():
    with xr.open_dataset(RESULTS / "axes.nc") as ds:
        assert ds.attrs["study_hash"] == axes.study().hash
        assert ds["design"].values.tolist() == list(axes.study().designs)
        assert {"off", "naming", "definition", "pace", "family"} <= {*ds.dims, *ds.coords}
        assert set(np.unique(ds["family"].values)) == {"elicited", "paoletti", "clertant"}
        mean = ds["correct"].sel(off="as stated", naming="as read", definition="main", design="CRM 25")
        mean = mean.where(ds["family"] == "elicited", drop=True).mean().item()
    paper = json.loads((Path(axes.FOLDER).parents[1] / "paper/results/gap.json").read_text())
    assert mean == pytest.approx(paper["by"]["crm_large"]["correct"], abs=1e-6)
    table = pd.read_csv(RESULTS / "axes.csv")
    assert (table.groupby(["family", "off", "naming", "definition"])["may_be_first"].sum() >= 1).all()
    text = (RESULTS / "axes.md").read_text(encoding="utf-8")
    assert all(f"| {name} |" in text for name in axes.study().designs)


def test_the_cluster_script_says_that_it_is_untried():
    source = (axes.FOLDER / "slurm.py").read_text(encoding="utf-8")
    compile(source, "slurm.py", "exec")
    assert "NOT TRIED" in source
