"""How the page is run: on this machine alone, telling nobody, with the report's colours."""

import re
import sys
from importlib.resources import files
from pathlib import Path

from demeanor.serve.page_process import page_environment, page_line


def options(line):
    return dict(zip(line[5::2], line[6::2], strict=True))


def test_the_page_listens_here_alone_and_tells_nobody():
    line = page_line(8501)
    assert line[:4] == [sys.executable, "-m", "streamlit", "run"]
    assert Path(line[4]).is_file()
    found = options(line)
    assert found["--server.address"] == "127.0.0.1"
    assert found["--server.port"] == "8501"
    assert found["--browser.gatherUsageStats"] == "false"
    assert found["--server.maxUploadSize"] == "200"


def test_the_limit_of_uploads_is_the_api_s():
    assert options(page_line(1, upload_bytes=5_000_000))["--server.maxUploadSize"] == "5"
    assert options(page_line(1, upload_bytes=5_000))["--server.maxUploadSize"] == "1"


def test_the_colours_are_those_of_the_report():
    css = files("demeanor.explain").joinpath("page", "report.css").read_text("utf-8")
    known = set(re.findall(r"#[0-9a-f]{6}\b", css))
    colours = {v for k, v in options(page_line(1)).items() if k.startswith("--theme.")}
    assert colours <= known


def test_the_environment_names_the_api():
    assert page_environment("http://127.0.0.1:8000", "t", "prototype") == {
        "DEMEANOR_API": "http://127.0.0.1:8000",
        "DEMEANOR_TOKEN": "t",
        "DEMEANOR_CHAT": "prototype",
        "DEMEANOR_LIVE": "",
    }


def test_the_environment_says_whether_there_is_a_camera():
    assert page_environment("http://127.0.0.1:8000", live=True)["DEMEANOR_LIVE"] == "1"
