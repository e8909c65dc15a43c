"""How long from moving a point of the curve to the new numbers, in a real browser: 50 drags, one and four sessions.

`python benchmarks/app/run.py` needs the extra doseopt[app], selenium, and Chromium with its driver; it writes
results/drags.json and prints what the README of this folder says.
"""

import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from selenium import webdriver

import doseopt

HERE = Path(__file__).parent
DRAGS = 50
STUDIES = {"renji-elo": "renji-elo", "7 doses, 36 patients": str(HERE / "seven.toml")}
LIMITS = {"renji-elo": 100, "7 doses, 36 patients": 400}
"""Milliseconds that the median may take; twice as many in four sessions at once."""


def browser():
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(argument)
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome")
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))


def until(page, script, seconds=120):
    end = time.monotonic() + seconds
    while not page.execute_script(f"return {script}"):
        if time.monotonic() > end:
            raise TimeoutError(script)
        time.sleep(0.02)


def drags(page, address):
    """Milliseconds of 50 moves of the middle point, up and down by pointer, each once the last was answered."""
    page.get(address)
    until(page, "document.documentElement.dataset.ready && window.doseopt.timing.length")
    page.execute_script("window.doseopt.timing.length = 0")
    page.set_script_timeout(300)
    return page.execute_async_script(
        """
        const done = arguments[arguments.length - 1], wanted = arguments[0], timing = window.doseopt.timing;
        const svg = document.querySelector("svg.curve"), points = document.querySelectorAll(".point");
        const box = points[Math.floor(points.length / 2)].querySelector(".dot").getBoundingClientRect();
        const at = (name, y) => svg.dispatchEvent(new PointerEvent(name,
          { bubbles: true, pointerId: 1, clientX: box.x + box.width / 2, clientY: box.y + box.height / 2 + y }));
        svg.setPointerCapture = () => {};
        at("pointerdown", 0);
        let k = 0;
        const next = () => {
          if (timing.length >= wanted) { at("pointerup", 0); return done(timing.slice(0, wanted).map((t) => t.ms)); }
          if (timing.length === k) { k += 1; at("pointermove", -20 + 15 * Math.sin(k)); }
          setTimeout(next, 5);
        };
        setTimeout(next, 500);
        """,
        DRAGS,
    )


def together(address, sessions):
    """Milliseconds of every session, all of which drag at once."""
    pages, found = [browser() for _ in range(sessions)], [[] for _ in range(sessions)]

    def one(k):
        found[k] = drags(pages[k], address)

    threads = [threading.Thread(target=one, args=(k,)) for k in range(sessions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for page in pages:
        page.quit()
    return [ms for each in found for ms in each]


def main():
    rows = []
    for name, study in STUDIES.items():
        server = subprocess.Popen(
            [sys.executable, "-m", "doseopt", "app", study, "--port", "0"], stdout=subprocess.PIPE, text=True
        )
        address = re.search(r"http://\S+/", server.stdout.readline())[0]
        for sessions in (1, 4):
            ms = together(address, sessions)
            row = {"study": name, "sessions": sessions, "drags": len(ms), "median_ms": round(statistics.median(ms), 1)}
            rows.append(row | {"worst_ms": round(max(ms), 1), "wanted_ms": LIMITS[name] * min(sessions, 2)})
            print(rows[-1], flush=True)
        server.terminate()
        server.wait()
    cores = len(os.sched_getaffinity(0))
    about = {"date": datetime.now(UTC).date().isoformat(), "machine": f"{platform.machine()}, {cores} cores"}
    about |= {"python": platform.python_version(), "doseopt": doseopt.__version__}
    (HERE / "results" / "drags.json").write_text(json.dumps(about | {"rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
