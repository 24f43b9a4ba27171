"""The camera's page in a real browser whose camera is a film of the demo clip."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest
from processes import served_page

from demeanor.explain.demo import demo_clip
from demeanor.explain.perception.media import Frame, Losses, open_clip, read
from demeanor.explain.settings import load_settings

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
SMILES = """() => {
  const row = document.querySelector('tr[data-code="AU12"]');
  if (row && !row.querySelector("meter").hidden) {
    (window.levels ??= []).push(row.querySelector("meter").value);
  }
  const seen = window.levels ?? [];
  return seen.length > 5 && Math.max(...seen) - Math.min(...seen) > 1.5;
}"""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """JPEGs end to end, as Chromium's camera of files reads them; it plays them over and over."""
    settings, path = load_settings(), tmp_path_factory.mktemp("film") / "demo.mjpeg"
    clip = open_clip(demo_clip(), settings.media)
    with path.open("wb") as file:
        for frame in read(clip, settings.media, Losses()):
            if isinstance(frame, Frame):
                bgr = cv2.cvtColor(frame.picture.rgb, cv2.COLOR_RGB2BGR)
                file.write(cv2.imencode(".jpg", bgr)[1].tobytes())
    return path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with served_page(tmp_path_factory.mktemp("serve"), "--webcam") as told:
        yield told


@pytest.fixture(scope="module")
def camera(film: Path) -> Iterator[Any]:
    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
             "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
             f"--use-file-for-fake-video-capture={film}"]  # fmt: skip
    path = shutil.which("chromium") or shutil.which("google-chrome")
    assert path is not None, "no chromium on this machine"
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=path, args=flags)
        yield opened
        opened.close()


@pytest.fixture
def page(camera: Any) -> Iterator[Any]:
    opened = camera.new_page(viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(90_000)
    opened.asked, opened.faults = [], []
    opened.on("request", lambda r: opened.asked.append(r.url))
    opened.on("pageerror", lambda e: opened.faults.append(str(e)))
    yield opened
    opened.close()


def test_numbers_move_with_the_face_and_the_last_seconds_are_explained(
    page: Any, served: dict[str, str]
) -> None:
    page.goto(served["live"])
    page.locator("#start").click()
    page.get_by_text("Choose first what it is for.").wait_for()
    page.locator("#purpose").select_option("research")
    page.locator("#start").click()
    page.get_by_text("A face is seen").wait_for()
    page.wait_for_function(SMILES, polling=100)
    assert "°" in page.locator("#pose").inner_text()
    page.locator("#events li").first.wait_for()  # the film comes round: a movement is over
    page.locator("#events li").filter(
        has_text=re.compile(r"AU\d+ .*, for \d+\.\d s")
    ).first.wait_for()
    page.locator("#seconds").fill("5")
    page.locator("#ask").click()
    page.get_by_text("open the camera from the chat page").wait_for()
    assert page.locator("#words").inner_text().strip()
    assert page.locator("#problem").is_hidden()
    page.locator("#stop").click()
    page.get_by_text("The camera is off.").wait_for()
    assert page.faults == []
    assert all(url.startswith((served["api"], "blob:")) for url in page.asked)


def test_the_chat_page_leads_to_the_camera_and_asks_about_its_clip(
    page: Any, served: dict[str, str]
) -> None:
    page.goto(served["page"])
    page.get_by_text("Research", exact=True).click()
    page.get_by_role("button", name="Explain the clip").click()
    page.get_by_text("Another clip").click()
    with page.context.expect_page() as opening:
        page.get_by_role("link", name="Open the camera").click()
    live = opening.value
    live.locator("#start").click()
    live.get_by_text("A face is seen").wait_for()
    live.wait_for_timeout(3000)  # of film: what is explained are seconds
    live.locator("#seconds").fill("3")
    live.locator("#ask").click()
    live.get_by_text("The chat page has it under").wait_for()
    live.close()
    page.get_by_role("button", name="Look for clips of the camera").click()
    page.get_by_role("button", name="camera ").first.click()
    page.get_by_text("Ask about this clip").wait_for()
    page.get_by_label("Clip").first.wait_for()
