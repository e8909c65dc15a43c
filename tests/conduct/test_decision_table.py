"""The decision table of designs that look at one dose: published tables, its limits, and every way it is shown."""

import json
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from pages import Page
from rich.cells import cell_len
from typer.testing import CliRunner

from doseopt import BOIN
from doseopt.cli import app
from doseopt.conduct.decision_table import decision_table, with_table
from doseopt.core.parameters import Faults
from doseopt.designs.decision_table import decisions_from_csv
from doseopt.display.decision_table import last_row, limits_shown, notes
from doseopt.plots.decision_page import decision_pages, save_pages
from doseopt.plots.decision_table import COLOURS, decision_table_figure
from doseopt.plots.placement import overlap
from doseopt.reports.frames import boundaries_frame, decisions_frame
from doseopt.reports.render.terminal import terminal_text
from doseopt.reports.sections.decision_table import decision_table_document
from doseopt.study.file import load_study

STUDY = """
title = "Phase I"
target = 0.30
[doses]
labels = ["low", "mid", "high"]
[scenarios]
"mid" = [0.05, 0.30, 0.50]
[designs."3+3"]
kind = "three_plus_three"
[designs."BOIN"]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 24 }]
[designs."BOIN .25"]
kind = "boin"
target = 0.25
modifiers = [{ kind = "max_patients", n = 200 }]
[designs."BOIN safe"]
kind = "boin"
extra_safe = true
modifiers = [{ kind = "max_patients", n = 30 }]
[designs."mTPI"]
kind = "mtpi"
modifiers = [{ kind = "cohorts_by_dose", sizes = [1, 3, 3] }, { kind = "max_patients", n = 12 }]
[designs."own"]
kind = "table"
decisions = ["3: E S D DU", "6: E E S S DU DU DU"]
modifiers = [{ kind = "max_patients", n = 6 }]
[designs."odd"]
kind = "table"
decisions = ["3: S E D DU"]
modifiers = [{ kind = "max_patients", n = 3 }]
"""
# R package BOIN 2.7.2, n = 1 to 24: escalate if y <=, de-escalate if y >=, eliminate if y >=.
BOIN_TABLES = {
    "BOIN": (
        "0 0 0 0 1 1 1 1 2 2 2 2 3 3 3 3 4 4 4 4 4 5 5 5",
        "1 1 2 2 2 3 3 3 4 4 4 5 5 6 6 6 7 7 7 8 8 8 9 9",
        "- - 3 3 4 4 5 5 5 6 6 7 7 8 8 8 9 9 9 10 10 11 11 11",
    ),
    "BOIN .25": (
        "0 0 0 0 0 1 1 1 1 1 2 2 2 2 2 3 3 3 3 3 4 4 4 4",
        "1 1 1 2 2 2 3 3 3 3 4 4 4 5 5 5 6 6 6 6 7 7 7 8",
        "- - 3 3 3 4 4 4 5 5 6 6 6 7 7 7 8 8 8 9 9 9 10 10",
    ),
}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("study") / "phase1.toml"
    path.write_text(STUDY)
    return path


@pytest.fixture(scope="module")
def study(path):
    return load_study(path)


def run(*arguments):
    return CliRunner().invoke(app, ["table", *map(str, arguments)])


def limits(text):
    return [-1 if word == "-" else int(word) for word in text.split()]


@pytest.mark.parametrize("name", BOIN_TABLES)
def test_boin_boundaries_are_the_published_ones(study, name):
    ds = decision_table(study, name, 24)
    for limit, text in zip(("escalate", "deescalate", "eliminate"), BOIN_TABLES[name], strict=True):
        assert ds[limit].to_numpy().tolist() == limits(text), limit


@pytest.mark.parametrize("name", BOIN_TABLES)
def test_every_letter_follows_from_the_published_boundaries(study, name):
    ds = decision_table(study, name, 24)
    up, down, out = map(limits, BOIN_TABLES[name])
    for i, n in enumerate(range(1, 25)):
        for y in range(25):
            wanted = "E" if y <= up[i] else "DU" if 0 <= out[i] <= y else "D" if y >= down[i] else "S"
            assert ds["decision"].sel(n=n, y=y).item() == (wanted if y <= n else "")


# Ji et al. 2010, Fig. 2.
@pytest.mark.parametrize(
    ("n", "letters"), [(3, "E S D DU"), (6, "E E S S DU"), (9, "E E S S S DU"), (12, "E E E S S S D DU")]
)
def test_mtpi_letters_are_the_published_ones(study, n, letters):
    row = decision_table(study, "mTPI", 12)["decision"].sel(n=n).to_numpy().tolist()
    given = letters.split()
    assert row[: len(given)] == given
    assert set(row[len(given) : n + 1]) <= {"DU"}


def test_size_of_the_table_and_whole_cohorts(study):
    assert decision_table(study, "BOIN").sizes["n"] == 24  # its cap
    assert decision_table(study, "BOIN .25").sizes["n"] == 99  # the largest table
    uncapped = replace(study, designs={"BOIN": BOIN(doses=3, target=0.30)})
    assert decision_table(uncapped).sizes["n"] == 30
    ds = decision_table(study, "BOIN", 7)
    assert ds["n"].to_numpy()[ds["whole_cohorts"].to_numpy()].tolist() == [3, 6]
    assert not decision_table(study, "mTPI", 7)["whole_cohorts"].any()  # the cohort size depends on the dose


def test_the_first_design_with_a_table_is_the_default(study):
    assert with_table(study) == ["BOIN", "BOIN .25", "BOIN safe", "mTPI", "own", "odd"]
    assert decision_table(study).attrs["design"] == "BOIN"


def test_the_lowest_dose_may_have_a_boundary_of_its_own(study):
    # Pr(p > .30 | 2 of 3) = .916: more than .95 - .05, which extra_safe asks for at the lowest dose, not more than .95.
    ds = decision_table(study, "BOIN safe", 6)
    assert (ds["stop_at_lowest"].sel(n=3).item(), ds["eliminate"].sel(n=3).item()) == (2, 3)
    assert "stop_at_lowest" in limits_shown(ds)
    assert any("lowest dose the trial stops" in note for note in notes(ds))
    assert "stop_at_lowest" not in limits_shown(decision_table(study, "BOIN"))


def test_a_table_of_the_users_own(study):
    ds = decision_table(study, "own")
    assert ds["n"].to_numpy().tolist() == [3, 6]
    assert ds["decision"].sel(n=6).to_numpy().tolist() == ["E", "E", "S", "S", "DU", "DU", "DU"]
    odd = decision_table(study, "odd")
    assert not odd["in_order"].any()
    assert any("not in the order" in note for note in notes(odd))
    assert boundaries_frame(odd)[["escalate", "deescalate", "eliminate"]].isna().all(axis=None)
    with pytest.raises(Faults, match="patients: wanted at least 3, where the table begins, got 2"):
        decision_table(study, "own", 2)


def test_decisions_are_written_as_a_study_file_reads_them(study, tmp_path):
    ds = decision_table(study, "BOIN", 6)
    decisions_frame(ds).to_csv(tmp_path / "table.csv", index=False)
    assert decisions_from_csv(tmp_path / "table.csv")[2:4] == ("3: E S D DU", "4: E S D DU DU")


def test_rows_that_say_the_same_are_one(study):
    ds = decision_table(study, "BOIN", 24)
    assert last_row(ds) == 11
    text = terminal_text(decision_table_document(ds)).plain
    assert "y = 11 or more" in text
    assert "y = 12" not in text


@pytest.mark.parametrize("width", [60, 100])
@pytest.mark.parametrize("patients", [3, 24, 99])
def test_the_text_keeps_to_its_width_and_has_every_letter(study, width, patients):
    ds = decision_table(study, "BOIN", patients)
    text = terminal_text(decision_table_document(ds), width).plain
    assert max(cell_len(line) for line in text.splitlines()) <= width
    assert not [line for line in text.splitlines() if line != line.rstrip()]
    row = [word for line in text.splitlines() if line.startswith("y = 0") for word in line.split()[3:]]
    assert row == ["E"] * patients
    for told in ("Phase I", "30%", "Liu & Yuan 2015", "hash", "BOIN"):
        assert told in text


def test_colour_is_only_an_addition(study):
    text = terminal_text(decision_table_document(decision_table(study, "BOIN", 6)))
    styles = {str(span.style) for span in text.spans}
    assert any("on red" in style for style in styles)
    lines = text.plain.splitlines()
    assert next(line for line in lines if line.startswith("y = 3")).split() == ["y", "=", "3", "DU", "DU", "D", "D"]


def written(figure):
    """Draw, and return (text, bounding box in pixels) of everything that is written."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    texts = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip() and t.axes in (None, *axes(t))]
    return [(t.get_text(), t.get_window_extent(canvas.get_renderer()).extents) for t in texts]


def axes(text):
    return [text.axes] if text.axes is not None and text in text.axes.texts else []


def assert_clear(figure):
    """Nothing written is cut off or written over."""
    texts, (width, height) = written(figure), figure.get_size_inches() * figure.dpi
    assert len(texts) > 5
    assert [t for t, b in texts if b[0] < -0.5 or b[1] < -0.5 or b[2] > width + 0.5 or b[3] > height + 0.5] == []
    smaller = [(t, (x0 + 0.5, y0 + 0.5, x1 - 0.5, y1 - 0.5)) for t, (x0, y0, x1, y1) in texts]
    assert [(a[0], b[0]) for a, b in combinations(smaller, 2) if overlap(a[1], b[1])] == []
    assert min(t.get_fontsize() for t in figure.findobj(Text)) >= 6.5


@pytest.mark.parametrize(("name", "patients"), [("BOIN", 15), ("own", 6), ("BOIN safe", 34)])
def test_the_figure_shows_every_decision(study, name, patients):
    ds = decision_table(study, name, patients)
    figure = decision_table_figure(ds)
    assert_clear(figure)
    assert figure.get_size_inches()[0] == pytest.approx(6.3)
    cells = [patch for ax in figure.axes[:-1] for patch in ax.patches]
    letters = [t.get_text() for ax in figure.axes[:-1] for t in ax.texts if t.get_text() in COLOURS]
    assert len(cells) == len(letters)
    if len(figure.axes) == 2:
        rows = last_row(ds) + 1
        assert letters == [d for row in ds["decision"].to_numpy()[:, :rows] for d in row if d]


def test_colours_differ_in_grey():
    from matplotlib.colors import to_rgb

    grey = sorted(float(np.dot(to_rgb(colour), (0.299, 0.587, 0.114))) for colour in COLOURS.values())
    assert min(np.diff(grey)) > 0.1


@pytest.mark.parametrize(("patients", "pages"), [(15, 1), (70, 2)])
def test_the_page_is_a4_and_says_where_it_is_from(study, patients, pages):
    ds = decision_table(study, "BOIN", patients)
    made = decision_pages(ds)
    assert len(made) == pages
    for page in made:
        assert page.get_size_inches().tolist() == pytest.approx([210 / 25.4, 297 / 25.4], abs=0.01)
        assert_clear(page)
    text = " ".join(t.get_text() for page in made for t in page.texts)
    for told in ("Phase I", "30%", study.hash, "doseopt", "phase1", "Liu & Yuan 2015", f"Page 1 of {len(made)}"):
        assert told in text


def test_the_pages_are_the_same_bytes_twice(study, tmp_path):
    ds = decision_table(study, "own")
    first, second = (save_pages(decision_pages(ds), tmp_path, name) for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes().startswith(b"%PDF")
    assert b"/MediaBox [ 0 0 595" in first.read_bytes()


def test_the_command_prints_and_writes(path, tmp_path):
    folder = tmp_path / "deep" / "out"
    result = run(path, "--out", folder)
    assert result.exit_code == 0, result.stderr
    assert "No design was named; this is the first that has a table. The others: BOIN .25, " in result.stdout
    assert "table.csv .svg .png .pdf, boundaries.csv" in result.stdout
    assert sorted(p.name for p in folder.iterdir()) == sorted(
        ["table.csv", "boundaries.csv", "table.svg", "table.png", "table.pdf"]
    )
    read = pd.read_csv(folder / "boundaries.csv")
    assert read["escalate"].tolist() == limits(BOIN_TABLES["BOIN"][0])
    assert read["eliminate"].isna().tolist() == [True, True] + 22 * [False]


def test_the_page_holds_the_table_and_the_figure(path, tmp_path):
    result = run(path, "--design", "BOIN", "--patients", "6", "--html", tmp_path / "page.html")
    assert result.exit_code == 0, result.stderr
    page = Page((tmp_path / "page.html").read_text())
    (rows,) = page.tables.values()
    assert rows[0] == ["n", *"123456"]
    assert rows[1] == ["whole cohorts of 3", "", "", "*", "", "", "*"]
    by_name = {row[0]: row[1:] for row in rows}
    assert by_name["y = 3"] == ["", "", "DU", "DU", "D", "D"]  # R BOIN 2.7.2, as all above
    for name, text in zip(("escalate, y <=", "de-escalate, y >=", "eliminate, y >="), BOIN_TABLES["BOIN"], strict=True):
        assert by_name[name] == text.split()[:6]
    assert [caption.startswith("The decisions of BOIN") for caption in page.figures.values()] == [True]


def test_json_is_one_object(path):
    read = json.loads(run(path, "--design", "BOIN", "--patients", "3", "--json").stdout)
    assert read["target"] == 0.3
    assert read["table"][2] == {
        "n": 3,
        "decisions": ["E", "S", "D", "DU"],
        "escalate": 0,
        "deescalate": 2,
        "eliminate": 3,
        "stop_at_lowest": 3,
        "in_order": True,
    }
    assert read["table"][0]["eliminate"] is None
    assert read["rules"][0]["source"] == "Liu & Yuan 2015"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--design", "BIN"], "no design 'BIN' in the study; did you mean 'BOIN'?"),
        (["--design", "3+3"], "got '3+3'; these have a table: BOIN, BOIN .25, BOIN safe, mTPI, own, odd"),
        (["--patients", "0"], "patients: wanted a whole number in [1, 99], got 0"),
        (["--patients", "1000"], "patients: wanted a whole number in [1, 99], got 1000"),
    ],
)
def test_wrong_input_is_told(path, arguments, told):
    result = run(path, *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert told in result.stderr


def test_a_study_without_such_designs_says_so(tmp_path):
    path = tmp_path / "only.toml"
    path.write_text(STUDY[: STUDY.index('[designs."BOIN"]')])
    result = run(path)
    assert result.exit_code == 2
    assert "none of the study has a table" in result.stderr
