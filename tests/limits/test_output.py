"""What `doseopt limits` prints, draws and writes."""

import json

import numpy as np
import pandas as pd
import pytest
from limits.test_attained import STUDY
from test_cli import run
from test_plots import overlap, written

from doseopt import compare
from doseopt.attained import limits_of
from doseopt.limits.shares import same_cap, winners
from doseopt.plots import attained_figure, frontier_figure, maps_figure, price_figure, save_limit_figures
from doseopt.study_file import load_study, parse_study
from doseopt.tables.limits import limits_frame, limits_text

TWO = (
    STUDY
    + """
[designs.CRM]
kind = "crm"
skeleton = { prior_mtd = 2, halfwidth = 0.05 }
modifiers = [{ kind = "no_skipping" }, { kind = "max_patients", n = 5 }]
"""
)
FIGURES = {
    "attained": attained_figure,
    "frontier": frontier_figure,
    "price": price_figure,
    "maps": maps_figure,
}


@pytest.fixture(scope="module")
def found():
    return limits_of(parse_study(TWO))


@pytest.mark.parametrize("width", [80, 100])
def test_the_text_fits_and_says_what_the_data_say(found, width):
    ds = found.dataset
    text = limits_text(ds, width).plain
    assert max(map(len, text.split("\n"))) <= width
    flat = " ".join(text.split())
    for name in ("3+3", "BOIN", "CRM"):
        row = ds.sel(design=name)
        value, best, most = (row[v].item() for v in ("utility", "attainable", "most_patients"))
        assert f"{name} selects correctly in {100 * value:.1f}%; with" in flat
        assert f"{most:.0f} patients {100 * best:.1f}% is attainable" in flat
    assert "It bounds every such design" in flat
    assert "25 logistic curves" in flat
    if width == 100:
        line = next(part for part in text.split("\n") if part.startswith("BOIN "))
        assert f" {100 * ds['efficiency'].sel(design='BOIN').item():.1f} " in line


def test_with_prices_the_text_speaks_of_utility(found):
    priced = parse_study(TWO.replace("[scenarios]", "utility = { per_dlt = 0.05 }\n[scenarios]"))
    flat = " ".join(limits_text(limits_of(priced).dataset).plain.split())
    assert "has an expected utility of" in flat
    assert "less 0.05 for a patient with a DLT" in flat
    text = limits_text(limits_of(priced).dataset).plain
    assert "ratio" not in next(line for line in text.split("\n") if line.lstrip().startswith("most"))


def test_winners_split_ties():
    share = winners(np.array([[[0.5, 0.2]], [[0.5, 0.3]]]))
    assert share.tolist() == [[[0.5, 0.0]], [[0.5, 1.0]]]


def test_designs_of_the_same_cap(found):
    ds = found.dataset
    assert {n: ds["design"].to_numpy()[rows].tolist() for n, rows in same_cap(ds).items()} == {5: ["BOIN", "CRM"]}


def test_tidy_data_hold_each_number_once(found):
    frame = limits_frame(found.dataset)
    assert not frame.duplicated(["name", "enrolment", "measure"]).any()
    row = frame[(frame["name"] == "BOIN") & (frame["measure"] == "regret")]
    assert row["value"].item() == found.dataset["regret"].sel(design="BOIN").item()
    price = frame[(frame["name"] == "cohorts of 3") & (frame["measure"] == "price") & (frame["enrolment"] == "5")]
    assert price["value"].item() == found.dataset["price"].sel(rule="cohorts of 3", enrolment=5).item()


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_is_cut_off_or_overlaps(found, name):
    figure = FIGURES[name](found.dataset)
    texts = written(figure)
    width, height = figure.get_size_inches() * figure.dpi
    assert len(texts) > 5
    assert [t for t, b in texts if b[0] < -0.5 or b[1] < -0.5 or b[2] > width + 0.5 or b[3] > height + 0.5] == []
    smaller = [(t, (b[0] + 0.5, b[1] + 0.5, b[2] - 0.5, b[3] - 0.5)) for t, b in texts]
    pairs = [(a[0], b[0]) for k, a in enumerate(smaller) for b in smaller[k + 1 :] if overlap(a[1], b[1])]
    assert pairs == []
    assert width / figure.dpi == pytest.approx(6.3)


def test_the_figure_of_the_attained_shows_the_numbers(found):
    ds = found.dataset
    texts = [text for text, _ in written(attained_figure(ds))]
    for design in ("3+3", "BOIN", "CRM"):
        assert f"{100 * ds['utility'].sel(design=design).item():.0f}" in texts
        assert f"{100 * ds['attainable'].sel(design=design).item():.0f}" in texts


def test_figures_without_data_are_left_out(found, tmp_path):
    bare = found.dataset.drop_vars(["price", "optimum", "frontier_utility", "frontier_exposure"])
    names = {path.name for path in save_limit_figures(bare.sel(design=["3+3", "BOIN"]), tmp_path)}
    assert names == {"attained.svg", "attained.png"}


def test_the_command_writes_a_study_of_optimal_policies(tmp_path):
    path = tmp_path / "three.toml"
    path.write_text(TWO)
    result = run("limits", path, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "What is attainable" in result.stdout
    names = {file.name for file in (tmp_path / "out").iterdir()}
    assert {"limits.nc", "limits.csv", "optimal.toml", "optimal-5.policy", "optimal-8.policy", "maps.svg"} <= names
    study = load_study(tmp_path / "out" / "optimal.toml")
    assert isinstance(study.designs["optimal 5"].table.codes, np.memmap)
    assert 'table = "optimal-5.policy"' in study.to_toml()
    ds = compare(study)
    best = pd.read_csv(tmp_path / "out" / "limits.csv").set_index(["name", "measure"])["value"]
    belief = study.believed()
    assert ds["planned_maximum"].sel(design="optimal 5").item() == 5
    assert belief.scenarios.sizes["scenario"] == 25
    assert best["BOIN", "attainable"] == pytest.approx(best["optimal 5", "utility"], abs=1e-9)
    for command in (["next", "--outcomes", "1N"], ["walk", "--design", "optimal 8", "--scenario", "s"], ["check"]):
        again = run(command[0], tmp_path / "out" / "optimal.toml", *command[1:])
        assert again.exit_code == 0, again.output


def test_json_is_one_object(tmp_path):
    path = tmp_path / "three.toml"
    path.write_text(STUDY)
    found = json.loads(run("limits", path, "--json").stdout)
    assert found["coords"]["design"]["data"] == ["3+3", "BOIN", "optimal 8", "optimal 5"]


def test_a_study_that_does_not_exist_gives_status_2(tmp_path):
    result = run("limits", tmp_path / "none.toml")
    assert result.exit_code == 2
    assert "no such file" in result.stderr
