"""The run viewer and an exported run in a real browser: texts of strangers do nothing there, and
nothing is asked of anybody else."""

import os
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from drawn_runs import SCRIPT, drawn_runs

from demeanor.eval.exporting import to_html
from demeanor.eval.tables import WordTable
from demeanor.eval.viewing import read_run
from demeanor.serve.viewing import view_line

WORDS = {"angry": "anger", "furious": "anger", "happy": "joy", "glad": "joy"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    table = WordTable("small", "ab" * 32, dict.fromkeys(("W1L1", "W1L2"), WORDS))
    folder: Path = drawn_runs(tmp_path_factory.mktemp("runs"), table)
    return folder


@pytest.fixture(scope="module")
def address(root: Path) -> Iterator[str]:
    pytest.importorskip("streamlit")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {**os.environ, "DEMEANOR_RUNS": str(root)}
    line = view_line(port, browser=False)
    served = subprocess.Popen(line, env=env, stdout=subprocess.DEVNULL)  # noqa: S603
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        served.terminate()
        served.wait(30)


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(60_000)
    opened.asked, opened.alerts = [], []
    opened.on("request", lambda r: opened.asked.append(r.url))
    opened.on("dialog", lambda d: (opened.alerts.append(d.message), d.dismiss()))
    yield opened
    opened.close()


def reached(page: Any, address: str) -> None:
    """Once the server listens: the browser tries again as long as it does not."""
    for _ in range(200):
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=5).close()  # noqa: S310
        except (urllib.error.URLError, ConnectionError):
            page.wait_for_timeout(100)
        else:
            page.goto(address)
            return
    pytest.fail(f"nothing listens at {address}")


def test_the_viewer_shows_a_run_and_asks_nobody_else(page: Any, address: str) -> None:
    reached(page, address)
    page.get_by_text("Only runs of one signature").wait_for()
    page.get_by_text("One run", exact=True).click()
    page.get_by_role("combobox", name="Run").click()
    page.get_by_role("option", name="first").click()
    page.get_by_text("there is no observation f9").first.wait_for()
    assert page.get_by_text(f"pulled up {SCRIPT}").count() >= 1  # as text
    assert page.alerts == []
    elsewhere = [u for u in page.asked if not u.startswith((address, "data:", "blob:"))]
    assert elsewhere == []


def test_an_export_is_filtered_without_scripts(browser: Any, root: Path, tmp_path: Path) -> None:
    file = tmp_path / "run.html"
    file.write_text(to_html(read_run(root / "first")), "utf-8")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(file.as_uri())
    rows = page.locator(".samples tbody tr:visible")
    everything = rows.count()
    page.get_by_text("failed 1").click()
    assert rows.count() == 1 < everything
    assert "gone" in rows.first.inner_text()
    context.close()
