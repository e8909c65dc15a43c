"""The pages in a real browser: a drag, a bad file, an upload, a download, two sessions, and attacks.

Skipped where the extra, selenium or a Chromium with its driver is missing.
"""

import json
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from app_study import LARGE, SMALL

from doseopt import load_study
from doseopt.comparison.compare import compare
from doseopt.reports.given import study_of

pytest.importorskip("shiny", reason="the extra doseopt[app] is not installed")
webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no Chromium with its driver on this machine")


@pytest.fixture(scope="module")
def address():
    """Where the app is served."""
    command = [sys.executable, "-m", "doseopt", "app", "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    said = server.stdout.readline()
    yield re.search(r"http://127\.0\.0\.1:\d+/", said)[0]
    server.terminate()
    server.wait(timeout=20)
    server.stdout.close()


def started():
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    options.binary_location = CHROMIUM
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))


@pytest.fixture(scope="module")
def browser():
    found = started()
    yield found
    found.quit()


def until(browser, script, seconds=20):
    """Wait until a script says yes, and return what it says."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := browser.execute_script(f"return {script}"):
            return found
        time.sleep(0.03)
    raise AssertionError(f"{script}: {browser.get_log('browser')}")


def opened(browser, address, width=1200):
    metrics = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get("about:blank")
    browser.get(address)
    until(browser, "document.documentElement.dataset.ready && window.doseopt.timing.length")
    return browser


def turn(browser, page):
    browser.execute_script(f"document.getElementById('tab-{page}').click()")


def text_of(browser, where):
    return browser.execute_script(f"return document.getElementById('{where}').textContent")


def write_study(browser, text):
    browser.execute_script(
        "const t = document.getElementById('text'); t.value = arguments[0]; t.dispatchEvent(new Event('input'));"
        "document.getElementById('study-said').textContent = '';",
        text,
    )
    until(browser, "/Valid|fault/.test(document.getElementById('study-said').textContent)")


def enter(browser, outcomes):
    browser.execute_script(
        "document.getElementById('outcomes').value = arguments[0];"
        "document.getElementById('typed').dispatchEvent(new Event('submit', { cancelable: true }))",
        outcomes,
    )


def clean(browser, address):
    """No error in the console, no request to another host, no patients in an address."""
    assert [each for each in browser.get_log("browser") if each["level"] == "SEVERE"] == []
    events = [json.loads(each["message"])["message"] for each in browser.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    own = (address, address.replace("http", "ws"), "data:", "blob:", "about:")
    assert asked
    assert [url for url in asked if not url.startswith(own)] == []
    assert not any("NNT" in url for url in [*asked, browser.current_url])


def shown(browser):
    """The curve, and what the page says of each design: text of its cells."""
    return browser.execute_script("""
        const rows = [...document.querySelectorAll('#numbers tbody tr')];
        return [[...document.querySelectorAll('.point')].map((p) => Number(p.getAttribute('aria-valuenow')) / 100),
          Object.fromEntries(rows.map((r) => [r.querySelector('th').textContent,
            Object.fromEntries([...r.querySelectorAll('td')].map((c) => [c.dataset.label, c.textContent]))]))]""")


def test_a_point_is_dragged_and_numbers_are_those_of_compare(browser, address):
    opened(browser, address)
    before = len(browser.execute_script("return window.doseopt.timing"))
    point = browser.find_elements("css selector", ".point .grip")[1]
    hand = webdriver.ActionChains(browser, duration=20).click_and_hold(point)
    hand.move_by_offset(0, -40).move_by_offset(0, -30).release().perform()
    until(browser, f"window.doseopt.timing.length > {before}")
    time.sleep(0.3)
    p, numbers = shown(browser)
    study = load_study("renji-elo").only(["CRM 13", "BOIN 16", "ATD+3+3 cap 10"])
    found = compare(study_of(study, [p]), posteriors=False).isel(scenario=0)
    said = {
        "correct selection": lambda at: f"{100 * at['correct_selection'].item():.1f}",
        "benchmark": lambda at: f"{100 * at['benchmark_correct_selection'].item():.1f}",
        "overdose selection": lambda at: f"{100 * at['overdose_selection'].item():.1f}",
        "no dose named": lambda at: f"{100 * at['no_selection'].item():.1f}",
        "patients": lambda at: f"{at['sample_size'].item():.1f}",
        "with a DLT": lambda at: f"{at['total_dlts'].item():.1f}",
        "duration": lambda at: f"{at['duration'].item() / 30.4375:.1f}",
        "patients at the named dose": lambda at: f"{at['declared_patients'].item():.1f}",
        "meets the protocol's definition": lambda at: f"{100 * at['meets_definition'].item():.1f}",
    }
    assert p[1] > 0.2
    for name in study.designs:
        at = found.sel(design=name)
        assert {label: numbers[name][label] for label in said} == {label: say(at) for label, say in said.items()}
    clean(browser, address)


def test_a_point_is_moved_by_keys_and_kept_in_the_address(browser, address):
    opened(browser, address)
    old = shown(browser)[0]
    point = browser.find_elements("css selector", ".point")[0]
    point.send_keys(webdriver.Keys.ARROW_UP)
    until(browser, f"location.hash.includes('truth={round(old[0] + 0.01, 3)}')")
    assert point.get_attribute("role") == "slider"
    assert shown(browser)[0][0] == pytest.approx(old[0] + 0.01)
    kept = browser.current_url
    opened(browser, kept)
    assert shown(browser)[0][0] == pytest.approx(old[0] + 0.01)


def test_a_graph_that_takes_long_is_cancelled_and_the_others_are_shown(browser, address):
    opened(browser, address)
    write_study(browser, LARGE)
    box = "document.getElementById('work-curve')"
    until(browser, f"!{box}.hidden && {box}.textContent.includes(': CRM')", 60)
    turn(browser, "trial")
    enter(browser, "1NNN")
    until(browser, "document.getElementById('next').textContent.includes('0 of 3 with a DLT')")
    turn(browser, "compare")
    browser.find_element("css selector", "#work-curve button").click()
    until(browser, "document.getElementById('work-curve').textContent.includes('CRM is left out: cancelled')")
    until(browser, "/[0-9]/.test(document.querySelector('#numbers td').textContent)", 60)
    assert shown(browser)[1].keys() == {"BOIN"}
    clean(browser, address)


def test_pages_of_the_patients_go_when_these_change(browser, address):
    opened(browser, address)
    turn(browser, "trial")
    enter(browser, "1NNN")
    until(browser, "document.getElementById('next').textContent.includes('0 of 3 with a DLT')")
    browser.execute_script("document.getElementById('show-posterior').click()")
    browser.find_element("id", "outcomes").send_keys(" 2NNT")
    assert browser.execute_script("return document.getElementById('next').children.length") == 0
    browser.find_element("id", "outcomes").send_keys(webdriver.Keys.ENTER)
    until(browser, "document.getElementById('next').textContent.includes('1 of 3 with a DLT')")
    browser.execute_script("document.getElementById('show-posterior').click()")
    until(browser, "document.querySelector('#trial-page .document')", 60)
    said = "document.querySelector('#trial-page .document').shadowRoot.textContent"
    assert browser.execute_script(f"return /1\\/3/.test({said})")
    assert "--outcomes '1NNN 2NNT'" in text_of(browser, "command-more")


def test_the_next_dose_and_why_and_its_decision_table_as_a_file(browser, address, tmp_path):
    opened(browser, address)
    turn(browser, "trial")
    enter(browser, "1N 2NNT")
    until(browser, "document.getElementById('next').textContent.includes('3 patients at 0.15')")
    assert "down if y/n >= 0.2984" in text_of(browser, "next")
    assert "doseopt next renji-elo --outcomes '1N 2NNT'" in text_of(browser, "command-trial")
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    browser.execute_script("document.getElementById('of-design').value = 'BOIN 10';")
    browser.execute_script("document.getElementById('show-table').click()")
    until(browser, "document.querySelector('#trial-page .document')")
    browser.execute_script("document.querySelectorAll('#trial-page .row button')[2].click()")
    end = time.monotonic() + 20
    while not list(tmp_path.glob("*.pdf")) and time.monotonic() < end:
        time.sleep(0.05)
    assert (tmp_path / "table.pdf").read_bytes()[:4] == b"%PDF"
    assert "NNT" not in browser.current_url
    clean(browser, address)


def test_tables_are_uploaded_and_large_ones_are_not(browser, address, tmp_path):
    opened(browser, address)
    turn(browser, "trial")
    until(browser, "!document.getElementById('trial').hidden && document.getElementById('next').textContent")
    table, large = tmp_path / "patients.csv", tmp_path / "large.csv"
    table.write_text("patient,dose_level,dlt\nA,1,0\nB,2,0\nC,2,1\n")
    large.write_bytes(b"x" * 50_000_000)
    tables = browser.find_element("id", "tables")
    tables.send_keys(str(table))
    until(browser, "document.getElementById('next').textContent.includes('1 of 2 with a DLT')")
    browser.execute_script("document.getElementById('clear').click()")
    tables.send_keys(str(large))
    until(browser, "document.getElementById('trial-faults').textContent.includes('got 50.0 MB; nothing was sent')")
    clean(browser, address)


def test_a_bad_study_is_told_beside_its_line_and_no_file_of_it_is_read(browser, address):
    opened(browser, address)
    turn(browser, "study")
    named = '[designs.other]\nkind = "policy"\ntable = "/etc/passwd"\n'
    write_study(browser, SMALL.replace("target = 0.25", "target = 25") + named)
    assert "wanted a number in (0, 1), got 25" in text_of(browser, "study-faults")
    assert "wanted a study that names no file" in text_of(browser, "study-faults")
    assert browser.execute_script("return document.querySelector('#gutter .wrong').textContent") == "3"
    clean(browser, address)


def test_a_script_in_a_name_does_not_run(browser, address):
    opened(browser, address)
    evil = "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script>"
    study = SMALL.replace('"Small"', f'"{evil}"').replace("mild", f'"{evil}"').replace(".BOIN]", f'."{evil}"]')
    write_study(browser, study)
    until(browser, "document.getElementById('title').textContent.includes('onerror')")
    turn(browser, "trial")
    enter(browser, "1NNN")
    until(browser, "document.getElementById('next').textContent.includes('onerror')")
    browser.execute_script("document.getElementById('show-details').click()")
    until(browser, "document.querySelector('#trial-page .document')")
    assert browser.execute_script("return window.hacked") is None
    clean(browser, address)


def test_two_sessions_know_nothing_of_each_other_and_pages_fit_a_phone(browser, address):
    opened(browser, address, width=400)
    other = started()
    try:
        opened(other, address)
        enter(browser, "1N 2NNT")
        until(browser, "document.getElementById('next').textContent.includes('3 patients at 0.15')")
        enter(other, "")
        until(other, "document.getElementById('next').textContent.includes('nobody was treated')")
        assert "1 of 3" not in text_of(other, "next")
    finally:
        other.quit()
    for page in ("compare", "trial", "study", "words"):
        turn(browser, page)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 400
    clean(browser, address)


def test_forged_requests_are_refused(address):
    for headers, method in (
        ({"Host": "evil.example"}, "GET"),
        ({"Origin": "http://evil.example"}, "GET"),
        ({}, "POST"),
    ):
        asked = urllib.request.Request(address, headers=headers, method=method)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(asked)
        assert refused.value.code == 403
        refused.value.close()


def test_sockets_of_other_pages_and_messages_of_50_mb_are_refused(address):
    websocket = pytest.importorskip("websocket", reason="a part of selenium is not installed")
    place = address.replace("http", "ws") + "websocket/"
    with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
        websocket.create_connection(place, origin="http://evil.example")
    socket = websocket.create_connection(place, origin=address.rstrip("/"))
    with pytest.raises((websocket.WebSocketConnectionClosedException, ConnectionError)):  # noqa: PT012  # one of them
        for _ in range(10):
            socket.send("x" * 5_000_000)
        socket.recv()
    socket.close()
