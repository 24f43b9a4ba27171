"""The page in a real browser, with vLLM and an adapter behind it.

The base says one well-formed explanation of the demo clip, whatever it is asked, so that the page
has something to show (benchmarks/serve.py makes it); the adapter is a random one over it.
"""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from processes import children_of, in_group
from vllm_process import count, engine_of, serving, write_adapter

from benchmarks.serve import Shape, reply_and_request, write_model

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
HITS = "vllm:prefix_cache_hits_total"
_RECORDER = """() => {
    window.said = [];
    setInterval(() => {
        const words = document.querySelector('.dm-words')?.textContent;
        if (words && words !== window.said.at(-1)) window.said.push(words);
    }, 10);
}"""


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[tuple[subprocess.Popen, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch:  # measured for this, and read by the server
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        reply, _ = reply_and_request()
        write_model(folder / "base", reply, Shape(width=128, layers=2, heads=2, inner=256))
        adapter = write_adapter(folder / "base", folder / "tuned")
        with serving(adapter, folder, ("--page-port", "0")) as told:
            yield told


@pytest.fixture(scope="module")
def page(served) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("google-chrome")
    assert path, "wanted chromium, found none: apt-get install chromium"
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=path, args=FLAGS)
        opened = browser.new_page(viewport={"width": 1280, "height": 900})
        opened.set_default_timeout(120_000)
        opened.goto(served[1]["page"])
        yield opened
        browser.close()


def ask(page: Any, question: str, number: int) -> str:
    page.get_by_test_id("stChatInputTextArea").fill(question)
    page.keyboard.press("Enter")
    answered = page.locator(".cited .turn.answered").nth(number)
    answered.wait_for()
    told: str = answered.inner_text()
    return told


def test_an_explanation_is_streamed_and_a_follow_up_finds_its_prefix_cached(served, page) -> None:
    _, engine = engine_of(served[0])
    page.get_by_text("Research", exact=True).click()
    page.evaluate(_RECORDER)
    page.get_by_role("button", name="Explain the clip").click()
    page.locator(".cited .lead").first.wait_for()
    said = page.evaluate("window.said")
    assert len(said) > 2
    assert all(later.startswith(earlier) for earlier, later in pairwise(said))
    assert page.locator(".cited .chip").count() > 0

    assert "f11" in ask(page, "When does she smile?", 0)  # looked up: the engine is not asked
    before = count(engine, HITS)
    assert "f11" in ask(page, "What if f11 had not been there?", 1)
    assert count(engine, HITS) > before


def test_it_stops_with_engine_and_page_and_nothing_is_left(served) -> None:
    process, _ = served
    leaders = children_of(process.pid)
    assert engine_of(process)[0] in leaders
    assert len(leaders) == 2  # engine and page, each with a group of its own
    process.send_signal(signal.SIGTERM)
    assert process.wait(90.0) == 0
    for leader in leaders:
        assert not Path(f"/proc/{leader}").exists()
        assert in_group(leader) == []
