"""The manuscript: no number is typed, every key is there, records are what they were, and a reduced build sets it."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typst_source import Source, read

from doseopt.study.file import load_study
from paper import drawing, making, store
from paper.claims import CLAIMS, tuning
from paper.material import Material, reduced

PAPER = store.ROOT / "paper"
SECTIONS = {
    path.name: path for path in [*(PAPER / page for page in making.PAGES), *sorted((PAPER / "sections").glob("*.typ"))]
}
SOURCES = {name: read(path.read_text(encoding="utf-8")) for name, path in SECTIONS.items()}
TABLES = read((PAPER / "tables.typ").read_text(encoding="utf-8"), as_code=True)
RESULTS = {path.stem: store.read_json(path) for path in sorted((PAPER / "results").glob("*.json"))}

NAMES = ("3+3", "Rolling six", "rolling six", "mTPI-2", "SHA-256", "June 2025")
"""Names with a digit in them."""
COUNTS = ("three outcomes a patient", "cohorts of three", "three columns each")
COLUMNS = re.compile(r"\b(first|last)\s+(five|six)\b")
"""Counts of things on the page, or that define something."""
NUMBER = re.compile(
    r"\b(three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|hundred|thousand|million|twice|half)\b", re.I
)
HALVES = ("half-width", "one half", "half logarithm", "more than half")
KEYED = ("num", "percent", "pct", "points", "sci", "word", "portion", "value", "added", "listing", "named", "dose")


def spoken(source: Source) -> str:
    text = " ".join(" ".join(source.text).split())
    for name in (*NAMES, *COUNTS, *HALVES):
        text = text.replace(name, "")
    return COLUMNS.sub("", text)


def full_key(function: str, key: str) -> str:
    return {"named": "protocol.names.", "dose": "protocol.doses."}.get(function, "") + key


def holds(key: str) -> bool:
    found = RESULTS
    for part in key.split("."):
        if isinstance(found, list):
            if not part.isdigit() or int(part) >= len(found):
                return False
            found = found[int(part)]
        elif isinstance(found, dict) and part in found:
            found = found[part]
        else:
            return False
    return found is not None


@pytest.mark.parametrize("source", [*SOURCES.values(), TABLES], ids=[*SOURCES, "tables.typ"])
def test_no_number_is_typed(source: Source) -> None:
    text = spoken(source)
    assert [text[max(0, m.start() - 40) : m.end() + 20] for m in re.finditer(r"\d", text)] == []
    assert [text[max(0, m.start() - 40) : m.end() + 20] for m in NUMBER.finditer(text)] == []
    words = [s for function, s in source.strings if function not in KEYED and not s.endswith(".bib")]
    assert [s for s in words if re.search(r"\d", s)] == []
    assert [s for s in words if NUMBER.search(s)] == []
    assert [m for m in source.math if set(re.findall(r"\d+(?:\.\d+)?", m)) - {"0", "1", "2"}] == []


def test_no_semicolon_is_swallowed() -> None:
    """Behind an expression typst reads it as the expression's end, not as text."""
    for path in SECTIONS.values():
        assert re.findall(r"#\w+\([^()]*\);.*", path.read_text(encoding="utf-8")) == [], path.name


def test_a_typed_number_would_be_found() -> None:
    for text in (
        "selects in 12.8% of trials",
        "in ten scenarios",
        '#figure(image(alt: "of 7 designs"))[x]',
        "$p = 0.25$",
    ):
        source = read(text)
        with pytest.raises(AssertionError):
            test_no_number_is_typed(source)
    assert not spoken(read('#num("a.10", digits: 2) @x2001 <tab-3> `raw 5`')).strip()


@pytest.mark.parametrize("source", [*SOURCES.values(), TABLES], ids=[*SOURCES, "tables.typ"])
def test_every_key_is_in_the_full_results(source: Source) -> None:
    keys = [full_key(function, s) for function, s in source.strings if function in KEYED]
    assert [key for key in keys if not holds(key)] == []


def test_the_full_results_say_what_made_them() -> None:
    study = load_study(making.STUDY)
    assert set(RESULTS) == {"about", *CLAIMS}
    for name, content in RESULTS.items():
        made = content if name == "about" else content["made_by"]
        assert {"version", "study", "study_hash"} <= set(made), name
        assert made["study_hash"] == study.hash, f"{name}.json is of another study: run `make paper`"
    assert RESULTS["about"]["reduced"] is False


def test_the_recorded_results_are_those_of_the_manifest_and_of_the_study() -> None:
    assert set(store.check_manifest()) == {path.relative_to(store.ROOT).as_posix() for path in making.RECORDS}
    assert tuning.recorded(load_study(tuning.STUDY))["made_by"]["seed"] == tuning.SEED


def test_a_record_that_has_changed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = store.read_json(store.MANIFEST)
    changed = tmp_path / "manifest.json"
    changed.write_text(json.dumps(listed | {next(iter(listed)): "0" * 64}))
    monkeypatch.setattr(store, "MANIFEST", changed)
    with pytest.raises(store.StaleRecord, match="run `make paper-full`"):
        store.check_manifest()


def test_every_reference_and_label_exists() -> None:
    entries = re.findall(r"^@\w+\{(\w+),", (PAPER / "references.bib").read_text(encoding="utf-8"), re.MULTILINE)
    labels = [label for source in SOURCES.values() for label in source.labels]
    used = {name for source in SOURCES.values() for name in source.references}
    assert used <= {*labels, *entries}
    assert set(entries) <= used
    assert len(labels) == len(set(labels))


def test_every_drawing_has_a_caption_and_says_in_words_what_it_shows() -> None:
    whole = "\n".join(path.read_text(encoding="utf-8") for path in SECTIONS.values())
    drawn = re.findall(r'#drawing\("(\w+)", alt: "([^"]{60,})"\)\[([^\]]{80,})', whole)
    assert [name for name, _, _ in drawn] == re.findall(r'#drawing\("(\w+)"', whole)
    assert {f"{name}.svg" for name, _, _ in drawn} == {path.name for path in (PAPER / "figures").iterdir()}
    assert all("results" in caption or ".json" in caption or "hash" in caption for _, _, caption in drawn)


def test_the_words_agree_with_the_numbers() -> None:
    """Statements of the text that hold no number."""
    attains, designs, simulation = (RESULTS[name] for name in ("attains", "designs", "simulation"))
    table = {row["name"]: dict(zip(designs["names"], row["correct"], strict=True)) for row in designs["table"]}
    names = RESULTS["protocol"]["names"]
    assert max(table["too toxic"], key=table["too toxic"].get) == names["registered"]
    assert attains["barred"] == RESULTS["protocol"]["doses"]["list"][-1:]
    for kind in ("crm", "boin"):
        assert designs["by"][f"{kind}_small"]["overdose_selection"] > designs["by"]["registered"]["overdose_selection"]
        assert designs["by"][f"{kind}_small"]["no_selection"] < 0.1
    others = [effect for name, effect in RESULTS["silences"]["registered"]["effect"].items() if "cap" not in name]
    at_cap = RESULTS["silences"]["registered"]["effect"]
    assert at_cap["mtd_at_cap"] + at_cap["enrolment_cap"] > sum(map(abs, others))
    for kept in ("coherent", "safety", "tried"):
        assert abs(RESULTS["limits"]["price"][kept]["small"]) < 0.002
    calibrated, optimal = (RESULTS["benchmark"]["by"][name]["correct"] for name in ("calibrated", "optimal"))
    assert 0 < sum(a > b for a, b in zip(calibrated, optimal, strict=True)) < len(optimal)  # for some caps
    rows = {row["name"]: row["correct"] for row in RESULTS["benchmark"]["rows"]}
    assert rows["BOIN"] == rows["Keyboard"] == rows["mTPI-2"]
    turns = RESULTS["maps"]["turns"]
    quoted = [
        ("crm_middle", "crm_large"),
        ("uncapped", "crm_large"),
        ("uncapped", "boin_large"),
        ("registered", "boin_large"),
    ]
    assert all(turns[base]["false_dlts"][role]["count"] > 0 for base, role in quoted)
    assert all(turns["uncapped"]["late_dlts"][role]["count"] > 0 for role in ("crm_large", "boin_large"))
    first = RESULTS["gap"]["definitions"]["first"]
    assert first[0].startswith("CRM")
    assert all(name.startswith("BOIN") for name in first[1:])
    ends = [
        row["declares"]
        for row in RESULTS["endings"]["rows"]
        if row["name"].startswith("0/1 0/3 0/3 ") and row["name"].endswith("/3")
    ]
    assert all("CRM 10" in end["4.5"] and "BOIN 10" in end["4.5"] and "ATD+3+3 cap 10" in end["none"] for end in ends)
    assert all(row["of"] > 0 for kind in ("poisson", "fixed") for row in RESULTS["waiting"]["rows"][kind])
    checks = RESULTS["checks"]
    assert checks["simulation"]["largest"] < checks["simulation"]["bound"]
    assert max(checks["mass"]["largest"], checks["closed_form"]["largest"]) < 1e-12
    assert checks["quadrature"]["largest"] < 1e-7
    assert simulation["shared"]["largest_z"] < 4


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Material, dict]:
    out = tmp_path_factory.mktemp("paper")
    material = Material(reduced(load_study(making.STUDY)), True)
    results = making.compute(material)
    for name, content in results.items():
        store.write_json(out / "results" / f"{name}.json", content)
    return out, material, results


def test_a_reduced_build_sets_the_same_manuscript_to_the_same_bytes(small: tuple[Path, Material, dict]) -> None:
    out, material, results = small
    pages = []
    for _ in range(2):
        drawing.save(drawing.figures(material, results), out / "figures")
        figures = {path.name: path.read_bytes() for path in (out / "figures").iterdir()}
        pages.append((making.write_pdf(out).read_bytes(), figures))
    assert pages[0] == pages[1]
    assert pages[0][0].startswith(b"%PDF")


def test_a_missing_key_stops_the_build(small: tuple[Path, Material, dict], tmp_path: Path) -> None:
    import typst

    out, material, results = small
    if not (out / "figures").is_dir():
        drawing.save(drawing.figures(material, results), out / "figures")
    shutil.copytree(out, tmp_path, dirs_exist_ok=True)
    without = {key: value for key, value in results["limits"].items() if key != "attainable"}
    store.write_json(tmp_path / "results" / "limits.json", without)
    with pytest.raises(typst.TypstError, match=r"no result limits\.attainable"):
        making.write_pdf(tmp_path)


@pytest.mark.slow
def test_two_whole_reduced_builds_are_the_same(tmp_path: Path) -> None:
    found = []
    for seed in ("1", "2"):
        out = tmp_path / seed
        command = [sys.executable, str(PAPER / "build.py"), "--reduced", "--out", str(out)]
        subprocess.run(command, check=True, env={"PYTHONHASHSEED": seed, "PATH": ""})
        found.append({p.relative_to(out): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()})
    assert found[0] == found[1]
