"""The report in a real browser: it loads nothing, complains of nothing, and a claim leads to the
video and to what it rests on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demeanor.explain.demo import demo_clip
from demeanor.explain.pipeline import explain
from demeanor.explain.report import Embed, write_report
from demeanor.explain.result import Result


@pytest.fixture(scope="module")
def result() -> Result:
    return explain(demo_clip(), face="mesh")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, result: Result) -> Path:
    folder = tmp_path_factory.mktemp("report")
    write_report(result, folder, embed=Embed.VIDEO)
    return folder / "report.html"


@pytest.fixture
def page(browser: Any, report: Path) -> Iterator[Any]:
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    opened.complaints, opened.asked = [], []
    opened.on("console", lambda m: opened.complaints.append(m.text) if m.type == "error" else None)
    opened.on("pageerror", lambda e: opened.complaints.append(str(e)))
    opened.on("request", lambda r: opened.asked.append(r.url))
    opened.goto(report.as_uri())
    yield opened
    opened.close()


def test_it_loads_nothing_from_elsewhere_and_complains_of_nothing(page: Any, report: Path) -> None:
    page.wait_for_timeout(300)
    assert page.complaints == []
    assert all(u == report.as_uri() or u.startswith(("data:", "blob:")) for u in page.asked)


def test_a_claim_seeks_the_video_and_lights_its_observations(page: Any, result: Result) -> None:
    (explanation,) = result.explanations
    cited = next(e.cites[0] for e in explanation.evidence if len(e.cites) == 1)
    seen = next(o for o in result.observations if o.obs_id == cited)
    page.wait_for_function("document.querySelector('video').readyState >= 1")
    assert page.evaluate("document.querySelector('video').duration") == pytest.approx(14.4, abs=0.3)
    page.locator(f".claim[data-cites='{cited}'] a.go").first.click()
    page.wait_for_timeout(400)
    time_s = page.evaluate("document.querySelector('video').currentTime")
    assert seen.span.start_s > 0.5
    assert seen.span.start_s - 0.5 <= time_s <= seen.span.end_s + 0.5
    lit = page.locator(".lit").all()
    assert lit
    assert any(cited in (row.get_attribute("id") or "") for row in lit)


def test_everything_can_be_read_without_javascript(browser: Any, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    text = page.inner_text("body")
    for wanted in ("appears to show", "Key observations", "What could not be measured", "AU12"):
        assert wanted in text
    assert page.locator("svg").count() > 5
    context.close()
