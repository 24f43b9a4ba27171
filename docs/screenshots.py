"""Makes the pictures of README and docs in a headless Chromium: the report of the demo clip, the
viewer over three small runs, and the page of `demeanor serve` in the middle of a talk.

python docs/screenshots.py [--browser /usr/bin/chromium]
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright
from typer.testing import CliRunner

from demeanor.explain.demo import demo_clip
from demeanor.explain.pipeline import explain
from demeanor.explain.report import write_report
from demeanor.serve.cli import app
from demeanor.serve.viewing import view_line

PICTURES = Path(__file__).parent / "pictures"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
_PORT = 8597
_WAIT_S = 60.0  # for the page's server
# Written for this picture; the runs show what the viewer shows, and no figure of them means more.
_TEXTS = (
    ("She smiles broadly, her cheeks are raised, and she thanks him, delighted.", ["happy"]),
    ("He frowns with tightened lips and raises his voice, furious.", ["angry"]),
    ("Her lip corners are pulled down, she speaks softly and cries.", ["sad", "lonely"]),
    ("His brows are raised, his jaw drops; he is amazed.", ["surprised"]),
    ("She wrinkles her nose and raises her upper lip in disgust.", ["disgusted"]),
    ("He looks down, speaks slowly, and says he is worried.", ["worried", "serious"]),
    ("She laughs and smiles, her voice goes up.", ["happy", "excited"]),
    ("His brows are lowered, his lips pressed together.", ["angry", "tense"]),
    ("Her inner brows are raised, her lip corners go down.", ["sad"]),
    ("He smiles and nods, pleased with the news.", ["pleased"]),
    ("Her eyes are wide open, her mouth is stretched, she is afraid.", ["fearful"]),
    ("He talks evenly and shows little.", ["calm"]),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--browser", default="/usr/bin/chromium")
    args = parser.parse_args()
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=args.browser, args=FLAGS)
        print(picture_of_report(browser, Path(folder)))
        print(picture_of_viewer(browser, Path(folder)))
        print(picture_of_chat(browser, Path(folder)))
        browser.close()


def picture_of_report(browser: Any, folder: Path) -> Path:
    write_report(explain(demo_clip(), face="mesh"), folder)
    page = browser.new_page(viewport={"width": 1280, "height": 1500}, color_scheme="light")
    page.goto((folder / "report.html").as_uri())
    page.screenshot(path=str(PICTURES / "report.png"))
    return PICTURES / "report.png"


def picture_of_viewer(browser: Any, folder: Path) -> Path:
    """Of one run, scrolled to where its samples and claims are."""
    line = view_line(_PORT, browser=False)
    env = {**os.environ, "DEMEANOR_RUNS": str(made_runs(folder))}
    served = subprocess.Popen(line, env=env, stdout=subprocess.DEVNULL)  # noqa: S603
    try:
        page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
        page.goto(once_it_listens(f"http://127.0.0.1:{_PORT}"))
        page.get_by_text("Only runs of one signature").wait_for()
        page.get_by_test_id("stVegaLiteChart").first.wait_for()
        page.mouse.move(0, 0)
        page.wait_for_timeout(2000)
        page.screenshot(path=str(PICTURES / "viewer.png"))
    finally:
        served.terminate()
        served.wait()
    return PICTURES / "viewer.png"


def picture_of_chat(browser: Any, folder: Path) -> Path:
    """The demo clip explained, one question asked, and a citation of the answer followed."""
    options = ["--json", "--port", "0", "--page-port", "0", "--data", str(folder / "serve")]
    line = [sys.executable, "-m", "demeanor.serve.cli", "serve", *options]
    served = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)  # noqa: S603
    try:
        told = json.loads(served.stdout.readline() if served.stdout else "{}")
        page = browser.new_page(viewport={"width": 1360, "height": 1130}, color_scheme="light")
        page.set_default_timeout(_WAIT_S * 1000)
        page.goto(told["page"])
        page.get_by_text("Research", exact=True).click()
        page.get_by_role("button", name="Explain the clip").click()
        page.get_by_role("button", name=re.compile("^Why ")).first.click()
        answered = page.locator(".cited .turn.answered").first
        answered.locator(".chip").first.click()
        page.mouse.move(0, 0)
        page.evaluate("document.querySelector('[data-testid=stMain]').scrollTo(0, 0)")
        page.wait_for_timeout(2000)
        page.screenshot(path=str(PICTURES / "chat.png"))
    finally:
        served.terminate()
        served.wait()
    return PICTURES / "chat.png"


def made_runs(folder: Path) -> Path:
    """Masked, unmasked, and without what is said: three runs of the prototype."""
    rows = folder / "rows.jsonl"
    said = ({"id": f"text {k}", "description": t, "labels": g} for k, (t, g) in enumerate(_TEXTS))
    rows.write_text("".join(json.dumps(row) + "\n" for row in said))
    for options in ([], ["--without", "face"], ["--chat", "prototype"]):
        command = ["eval", "emer", "--data", str(rows), "-o", str(folder / "runs"), *options]
        CliRunner().invoke(app, command, catch_exceptions=False)
    return folder / "runs"


def once_it_listens(address: str) -> str:
    until_s = time.monotonic() + _WAIT_S
    while time.monotonic() < until_s:
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=5).close()  # noqa: S310
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
        else:
            return address
    raise TimeoutError(f"nothing listens at {address} after {_WAIT_S:.0f} s")


if __name__ == "__main__":
    main()
