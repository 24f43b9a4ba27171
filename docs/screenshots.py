"""Makes the picture in the README: the report of the demo clip, in a headless Chromium.

python docs/screenshots.py [--browser /usr/bin/chromium]
"""

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from demeanor.explain.demo import demo_clip
from demeanor.explain.pipeline import explain
from demeanor.explain.report import write_report

TARGET = Path(__file__).parent / "pictures" / "report.png"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--browser", default="/usr/bin/chromium")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        write_report(explain(demo_clip(), face="mesh"), Path(folder))
        browser = playwright.chromium.launch(executable_path=args.browser, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1500}, color_scheme="light")
        page.goto((Path(folder) / "report.html").as_uri())
        TARGET.parent.mkdir(exist_ok=True)
        page.screenshot(path=str(TARGET))
        browser.close()
    print(TARGET)


if __name__ == "__main__":
    main()
