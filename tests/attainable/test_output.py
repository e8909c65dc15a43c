"""What `doseopt limits` prints, draws and writes."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from attainable.test_attained import STUDY
from cli.test_cli import run
from pages import Page
from plots.test_plots import overlap, written

import doseopt.attainable.attained as attained
import doseopt.attainable.price as price
from doseopt import compare
from doseopt.attainable.accuracy import attained_by
from doseopt.attainable.attained import limits_of
from doseopt.attainable.frontier import frontier
from doseopt.display.attained import same_cap, winners
from doseopt.engines.budget import TooManyStates
from doseopt.plots.drawings import attained_figure, frontier_figure, limit_drawings, maps_figure, price_figure
from doseopt.reports.frames import limits_frame
from doseopt.reports.render.terminal import terminal_text
from doseopt.reports.sections.limits import limits_document
from doseopt.study.file import load_study, parse_study

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
    text = terminal_text(limits_document(ds), width).plain
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
    flat = " ".join(terminal_text(limits_document(limits_of(priced).dataset)).plain.split())
    assert "has an expected utility of" in flat
    assert "less 0.05 for a patient with a DLT" in flat
    text = terminal_text(limits_document(limits_of(priced).dataset)).plain
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
    assert set(limit_drawings(bare.sel(design=["3+3", "BOIN"]))) == {"attained"}


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


def test_the_page_holds_the_tables_and_the_figures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "three.toml").write_text(TWO)
    result = run("limits", "three.toml", "--html", "deep/page.html", "--json")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep", "three.toml"]
    ds = xr.Dataset.from_dict(json.loads(result.stdout))
    page = Page((tmp_path / "deep" / "page.html").read_text())
    designs, prices, maps = page.tables.values()
    assert [row[0] for row in designs[1:]] == ds["design"].to_numpy().tolist()
    boin = dict(zip(designs[0], designs[2], strict=True))
    one = ds.sel(design="BOIN")
    shares = {"correct": "correct_selection", "attainable": "attainable", "same N": "attainable_same_size"}
    assert {head: boin[head] for head in shares} == {h: f"{100 * one[name].item():.1f}" for h, name in shares.items()}
    assert (boin["E[N]"], boin[">MTD"]) == (f"{one['sample_size']:.1f}", f"{one['patients_above_mtd']:.2f}")
    threes = next(row for row in prices if row[0] == "cohorts of 3")
    rule = ds.sel(rule="cohorts of 3")
    assert threes[1:] == [f"{100 * v:.1f}" for v in [*rule["optimum"].to_numpy(), *rule["price"].to_numpy()]]
    assert [row[0] for row in maps[1:]] == ["5: BOIN", "5: CRM"]
    assert len(page.figures) == len(FIGURES)


def test_a_study_that_does_not_exist_gives_status_2(tmp_path):
    result = run("limits", tmp_path / "none.toml")
    assert result.exit_code == 2
    assert "no such file" in result.stderr


# What is too large


LARGE = TWO.replace("n = 8", "n = 36").replace("n = 5", "n = 36") + (
    '[designs."optimal 6"]\nkind = "three_plus_three"\nmodifiers = [{ kind = "max_patients", n = 6 }]\n'
)


def refusing(monkeypatch, allowed):
    """Refuse optima of more patients than allowed; what is refused by size alone is tested with `bayes_optimal`."""

    def guard(course, rules):
        if rules.patients > allowed:
            raise TooManyStates(f"{rules.patients} patients are too many; take {allowed}")

    def solve(belief, mtd, rules, *given, **named):
        guard(None, rules)
        return frontier(belief, mtd, rules, *given, **named)

    monkeypatch.setattr(attained, "frontier", solve)
    monkeypatch.setattr(price, "guard", guard)


def test_nothing_is_found_where_everything_is_too_large(monkeypatch, tmp_path):
    refusing(monkeypatch, 3)
    found = limits_of(parse_study(LARGE))
    assert found.policies == {}
    text = terminal_text(limits_document(found.dataset)).plain
    flat = " ".join(text.split())
    assert "inf" not in flat
    assert "nan" not in flat
    assert "Findings" not in flat
    assert "Attainable:" not in flat
    assert "Price of a rule" not in flat
    assert "furthest below" not in flat
    assert "optimal polic" not in flat
    assert "what is attainable with one patient at a time, at most 36" in flat
    assert "36 patients are too many; take 3" in flat
    assert "every rule, 36 patients" in flat
    assert set(limit_drawings(found.dataset)) == {"attained", "maps"}
    for draw in (attained_figure, maps_figure):
        words = " ".join(t for t, _ in written(draw(found.dataset)))
        assert "Diamond" not in words
        assert "Others" not in words


def test_the_command_fails_where_nothing_attainable_was_computed(monkeypatch, tmp_path):
    refusing(monkeypatch, 3)
    (tmp_path / "large.toml").write_text(LARGE)
    result = run("limits", tmp_path / "large.toml", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "nothing that is attainable was computed" in result.stderr
    assert "36 patients are too many; take 3" in result.stderr
    assert {file.suffix for file in (tmp_path / "out").iterdir()} == {".nc", ".csv", ".svg", ".png"}


def test_what_is_found_is_said_beside_what_is_not(monkeypatch, tmp_path):
    refusing(monkeypatch, 6)
    (tmp_path / "large.toml").write_text(LARGE)
    result = run("limits", tmp_path / "large.toml", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    flat = " ".join(result.stdout.split())
    assert "-inf" not in flat
    assert "points; 6 instead of 36" not in flat
    assert "With 6 patients the dearest of the rules below is" in flat
    assert "36 patients are too many; take 6" in flat
    assert "BOIN selects correctly" not in flat
    # a design of the study that has the name of a policy keeps its row, and the policy has another
    ds = xr.open_dataset(tmp_path / "out" / "limits.nc")
    plain = compare(parse_study(LARGE))
    study = load_study(tmp_path / "out" / "optimal.toml")
    assert list(study.designs) == ["3+3", "BOIN", "CRM", "optimal 6", "optimal 6 (policy)"]
    assert study.designs["optimal 6"] == parse_study(LARGE).designs["optimal 6"]
    assert ds["policy"].to_numpy().tolist() == ["optimal 6 (policy)"]
    assert ds["sample_size"].sel(design="optimal 6").item() <= plain["planned_maximum"].sel(design="optimal 6").item()
    assert ds["regret"].sel(design="optimal 6").item() > 0
    attainable = ds["attainable"].sel(design="optimal 6").item()
    assert ds["utility"].sel(design="optimal 6 (policy)").item() == pytest.approx(attainable, abs=1e-9)
    for draw in FIGURES.values():
        assert len(written(draw(ds.load()))) > 5


def test_designs_that_are_too_large_themselves_are_left_out_and_said_so(monkeypatch):
    def refuse(*_, **__):
        raise TooManyStates("more than 5 million states; lower its max_patients")

    def run(design, *given, **how):
        return refuse() if design.facts.cap == 36 else attained_by(design, *given, **how)

    monkeypatch.setattr(attained, "attained_by", run)
    found = limits_of(parse_study(LARGE)).dataset
    assert found["design"].to_numpy().tolist() == ["optimal 6", "optimal 6 (policy)"]
    assert found.attrs["not_computed"] == "3+3; BOIN; CRM: more than 5 million states; lower its max_patients"
    monkeypatch.setattr(attained, "attained_by", refuse)
    with pytest.raises(TooManyStates, match=r"3\+3; BOIN; CRM; optimal 6: more than 5 million"):
        limits_of(parse_study(LARGE))
