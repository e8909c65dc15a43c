"""A clinician's walk: the next dose of a running trial and the reason, then what the amendment costs.

Every step is made in a real browser and its wait is measured. Hands and eyes are counted by the keystroke-level model
of Card, Moran & Newell (1980): a key 0.28 s, pointing with a click 1.3 s, hands from mouse to keys 0.4 s, a decision
1.35 s; reading takes 0.3 s a word. `python benchmarks/app/walk.py` writes results/walk.md; nobody was watched.
"""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

from run import browser, until

HERE = Path(__file__).parent
KEY, CLICK, HOME, MIND, WORD = 0.28, 1.3, 0.4, 1.35, 0.3


class Walk:
    """Steps of a walk, each with the seconds of the person and of the machine."""

    def __init__(self, page):
        self.page, self.rows = page, []

    def step(self, what, hand, script="", done="true", seconds=240):
        begun = time.perf_counter()
        if script:
            self.page.execute_script(script)
        until(self.page, done, seconds)
        self.rows.append((what, hand, time.perf_counter() - begun))

    def table(self, title):
        lines = [f"## {title}", "", "| step | person, s | machine, s | so far, s |", "| --- | --: | --: | --: |"]
        total = 0.0
        for what, hand, wait in self.rows:
            total += hand + wait
            lines.append(f"| {what} | {hand:.1f} | {wait:.1f} | {total:.0f} |")
        self.rows = []
        return "\n".join([*lines, ""])


def click(where):
    return f"document.getElementById('{where}').click();"


def put(where, value):
    return f"document.getElementById('{where}').value = {json.dumps(value)};"


def main():
    command = [sys.executable, "-m", "doseopt", "app", "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    address = re.search(r"http://\S+/", server.stdout.readline())[0]
    page = browser()
    walk, add = Walk(page), "document.querySelector('#builder button').click();"
    page.get("about:blank")
    begun = time.perf_counter()
    page.get(address)
    until(page, "document.documentElement.dataset.ready")
    walk.rows.append(("open the bookmark", MIND + CLICK, time.perf_counter() - begun))
    walk.step("turn to Running trial", MIND + CLICK, click("tab-trial"), "!document.getElementById('trial').hidden")
    first = "document.getElementById('next').textContent.includes('0 of 1 with')"
    walk.step(
        "level 1, one patient without DLT, Add", MIND + 2 * CLICK + 2 * HOME + KEY, put("count-n", 1) + add, first
    )
    second = "document.getElementById('next').textContent.includes('1 of 3 with')"
    typed = put("dose", "2") + put("count-n", 2) + put("count-t", 1) + add
    walk.step("level 2, two without and one with a DLT, Add", MIND + 5 * CLICK + 2 * HOME + 3 * KEY, typed, second)
    cards = "[...document.querySelectorAll('#next .card')]"
    card = f"{cards}.find((c) => c.textContent.includes('BOIN 10'))"
    answer = page.execute_script(f"return {card}.innerText")
    walk.step(f"read the next dose: “{answer.splitlines()[0].strip()}”", MIND + 8 * WORD)
    reason = page.execute_script(f"return {card}.querySelector('li:nth-child(3)').textContent")
    walk.step(f"read why: “{reason}”", MIND + 60 * WORD)
    text = [walk.table("The next dose, and the reason")]
    walk.step(
        "turn to Amendment", MIND + CLICK, click("tab-amendment"), "document.querySelector('#amendment-page .document')"
    )
    walk.step("read the averages of the registered and one proposed design", 2 * MIND + 60 * WORD)
    walk.step("read the step of the ladder that costs least", 2 * MIND + 40 * WORD)
    text.append(walk.table("What the amendment costs"))
    page.quit()
    server.terminate()
    server.wait()
    (HERE / "results" / "walk.md").write_text("\n".join(text), encoding="utf-8")
    print("\n".join(text))


if __name__ == "__main__":
    main()
