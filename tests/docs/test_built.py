"""The pages as they are built: nothing comes from another host. `make docs` builds them; run with `-m slow`."""

import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILT = Path(os.environ.get("DOSEOPT_DOCS", ROOT / "build" / "docs" / "html"))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not BUILT.is_dir(), reason="make docs builds the pages"),
]
LOADS = {
    "script": "src",
    "img": "src",
    "link": "href",
    "iframe": "src",
    "source": "src",
    "object": "data",
    "use": "href",
}
"""Elements that a browser loads by itself, and by which attribute."""
AWAY = re.compile(r"(?:https?:)?//", re.IGNORECASE)


class Loaded(HTMLParser):
    """What a page loads."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag in LOADS and given.get("rel") not in ("next", "prev", "canonical", "search"):
            self.found.append(given.get(LOADS[tag]) or "")
        self.found += re.findall(r"url\(['\"]?([^)'\"]+)", given.get("style") or "")


def pages():
    return sorted(BUILT.rglob("*.html"))


def test_all_pages_are_there():
    names = {str(page.relative_to(BUILT)) for page in pages()}
    for name in (
        "index",
        "tutorials/own-protocol",
        "how-to/compare",
        "explanation/time",
        "generated/keys",
        "agents",
        "search",
    ):
        assert f"{name}.html" in names
    assert (BUILT / "searchindex.js").is_file()
    assert list((BUILT / "_downloads").rglob("notebook.ipynb"))


def test_no_page_loads_anything_from_another_host():
    away = []
    for page in pages():
        loaded = Loaded()
        loaded.feed(page.read_text(encoding="utf-8"))
        away += [f"{page.relative_to(BUILT)}: {place}" for place in loaded.found if AWAY.match(place)]
    assert away == []


def test_no_style_sheet_loads_anything_from_another_host():
    sheets = [
        sheet
        for sheet in BUILT.rglob("*.css")
        if re.search(r"url\(['\"]?(https?:)?//", sheet.read_text(errors="replace"))
    ]
    assert sheets == []


def test_each_link_between_pages_leads_somewhere():
    lost = set()
    for page in pages():
        for place in re.findall(r'<a[^>]* href="([^"#?]+)', page.read_text(encoding="utf-8")):
            if not re.match(r"[a-z]+:|//", place) and not (page.parent / place).resolve().exists():
                lost.add(f"{page.relative_to(BUILT)}: {place}")
    assert lost == set()


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Chromium")
@pytest.mark.parametrize("page", ["explanation/exact.html", "tutorials/notebook.html"])
def test_a_browser_asks_no_other_host_and_sets_formulae(page, tmp_path):
    log = tmp_path / "net.json"
    quiet = ("background-networking", "component-update", "sync", "extensions", "default-apps")
    command = ["chromium", "--headless", "--no-sandbox", "--no-first-run", *(f"--disable-{each}" for each in quiet)]
    command += [f"--user-data-dir={tmp_path}", f"--log-net-log={log}", "--virtual-time-budget=8000", "--dump-dom"]
    done = subprocess.run([*command, (BUILT / page).as_uri()], capture_output=True, text=True, check=True, timeout=300)
    if page.startswith("explanation"):
        assert "mjx-container" in done.stdout, "MathJax did not run"
    asked = set(re.findall(r'"url":"https?://([^"/]+)', log.read_text(encoding="utf-8", errors="replace")))
    assert asked <= BROWSERS_OWN


BROWSERS_OWN = {"accounts.google.com", "clients2.google.com", "redirector.gvt1.com", "update.googleapis.com"}
"""Whom Chromium asks by itself, whatever the page."""
