"""The page of `demeanor serve` in a real browser, over the real API: from an upload to an export.

Citations lead back to the moments they speak of, and nothing is asked of anybody else.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from processes import served_page

from demeanor.explain.demo import demo_clip

NAME = "<img src=x onerror=alert(1)>.mp4"  # a stranger's: shown as it is, and does nothing
NEAR_S = 0.2


@pytest.fixture(scope="module")
def served(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Addresses of the API and of the page, once both answer."""
    for package in ("streamlit", "fastapi", "uvicorn"):
        pytest.importorskip(package)
    with served_page(tmp_path_factory.mktemp("serve")) as told:
        yield told


@pytest.fixture
def page(browser: Any, served: dict[str, str]) -> Iterator[Any]:
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(60_000)
    opened.asked, opened.alerts = [], []
    opened.on("request", lambda r: opened.asked.append(r.url))
    opened.on("dialog", lambda d: (opened.alerts.append(d.message), d.dismiss()))
    opened.goto(served["page"])
    yield opened
    opened.close()


def time_s(page: Any) -> float:
    found: float = page.locator(".player video").evaluate("video => video.currentTime")
    return found


def onset_s(chip: Any) -> float:
    """As the chip tells whoever rests on it: "f3, 2.72–3.96 s: …"."""
    told = re.match(r"\w+, (\d+\.\d+)", chip.get_attribute("title"))
    assert told is not None
    return float(told[1])


def test_from_an_upload_to_an_export(page: Any, served: dict[str, str]) -> None:
    explained(page)
    conclusion = page.locator(".cited .claim").filter(has_text="the closest label of the set").last
    cited = conclusion.locator(".chip").last
    obs_id, moment = cited.inner_text(), onset_s(cited)
    assert moment > 1.0
    cited.click()
    page.locator(".player .band.lit").first.wait_for()
    assert abs(time_s(page) - moment) <= NEAR_S
    assert obs_id in page.locator(".player .said").inner_text()

    page.locator(".player .said").click()  # no field of text has the keys
    page.keyboard.press("]")
    assert page.locator(".player .band.lit").first.get_attribute("data-obs") != obs_id
    page.keyboard.press("[")
    assert abs(time_s(page) - moment) <= NEAR_S

    page.get_by_test_id("stChatInputTextArea").fill("When is AU12 shown?")
    page.keyboard.press("Enter")
    answered = page.locator(".cited .turn.answered").first
    answered.locator(".chip").first.click()
    assert abs(time_s(page) - onset_s(answered.locator(".chip").first)) <= NEAR_S

    switched_off(page, obs_id)
    page.locator(f".player .band.off[data-obs={obs_id}]").first.wait_for()

    page.get_by_role("button", name="Save").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Data (JSON)").click()
    saved = json.loads(Path(download.value.path()).read_text("utf-8"))
    assert "When is AU12 shown?" in json.dumps(saved)

    assert page.alerts == []
    ours = (served["page"], served["api"], "data:", "blob:", served["page"].replace("http", "ws"))
    assert [url for url in page.asked if not url.startswith(ours)] == []


def explained(page: Any) -> None:
    """The demo clip, sent as if it were somebody's own."""
    page.get_by_text("Research", exact=True).click()
    page.get_by_text("One of my own").click()
    sent = {"name": NAME, "mimeType": "video/mp4", "buffer": demo_clip().read_bytes()}
    page.locator("input[type=file]").set_input_files(sent)
    page.get_by_role("button", name="Explain the clip").click()
    page.locator(".cited .lead").first.wait_for()
    page.wait_for_function(
        """() => [...document.querySelectorAll('*')].some(host =>
            host.shadowRoot?.querySelector('.player video')?.readyState > 0)"""
    )


def switched_off(page: Any, obs_id: str) -> None:
    choice = page.get_by_role("combobox", name="Leave out")
    choice.scroll_into_view_if_needed()  # the list closes when the page scrolls
    page.wait_for_timeout(300)
    choice.click()
    page.get_by_role("option", name=re.compile(rf"^{obs_id},")).click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Reason without them").click()
    page.locator(".cited h3").filter(has_text=f"Without {obs_id}").wait_for()
