"""Word tables fetched from a server of our own; no network."""

import hashlib
import urllib.error
import urllib.request
from io import BytesIO

import pytest

from demeanor.eval import fetch
from demeanor.eval.fetch import FILES, NOTICE, TableFile, pull, pulled
from demeanor.eval.tables import TablesError

CONTENT = {
    "https://example.org/a/format.csv": b"name,format\n",
    "https://example.org/a/w.xlsx": b"w",
}


def small(url):
    name = url.rsplit("/", 1)[1]
    return TableFile("v2026", name, hashlib.sha256(CONTENT[url]).hexdigest(), url)


@pytest.fixture(autouse=True)
def server(monkeypatch, tmp_path):
    """Serves CONTENT and remembers what it was asked for."""
    asked = []

    def urlopen(url, timeout):
        asked.append(url)
        return BytesIO(CONTENT[url])

    monkeypatch.setattr(fetch, "FILES", tuple(map(small, CONTENT)))
    monkeypatch.setattr(fetch, "user_cache_path", lambda name: tmp_path / name)
    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    monkeypatch.delenv(fetch.OFFLINE, raising=False)
    return asked


def test_the_notice_comes_first_and_files_are_kept_with_their_hash(server):
    said = []
    assert pull(said.append) == []
    assert said[0] == NOTICE
    assert "non-commercial" in NOTICE
    assert "SHA-256 " + small(next(iter(CONTENT))).sha256 in said[1]
    assert {p.name for p in pulled("v2026").iterdir()} == {"format.csv", "w.xlsx"}
    pull(said.append)
    assert len(server) == len(CONTENT)  # the second time all is there


def test_another_file_is_refused(server, monkeypatch):
    monkeypatch.setattr(urllib.request, "urlopen", lambda url, timeout: BytesIO(b"changed"))
    failed = dict(pull(lambda line: None))
    assert "wanted SHA-256" in failed["v2026/format.csv"]
    assert "By hand: https://example.org/a/format.csv" in failed["v2026/format.csv"]
    with pytest.raises(TablesError, match="demeanor eval tables pull"):
        pulled("v2026")


def test_an_address_that_fails_does_not_stop_the_others(monkeypatch):
    def urlopen(url, timeout):
        if url.endswith(".csv"):
            raise urllib.error.URLError("name not known")
        return BytesIO(CONTENT[url])

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    assert [name for name, _ in pull(lambda line: None)] == ["v2026/format.csv"]
    assert (pulled("v2026") / "w.xlsx").is_file()


def test_offline_nothing_is_asked(server, monkeypatch):
    monkeypatch.setenv(fetch.OFFLINE, "1")
    assert len(pull(lambda line: None)) == len(CONTENT)
    assert server == []


def test_the_real_list_is_whole_and_fits_the_files_at_hand(shared):
    raw = shared / "knowledge" / "ov_mer" / "raw"
    assert len(FILES) == 14
    assert all(
        f.url.startswith("https://raw.githubusercontent.com/zeroQiaoba/MERTools/") for f in FILES
    )
    for file in FILES:
        name = (
            "format_mer2026.csv"
            if (file.version, file.name) == ("v2026", "format.csv")
            else file.name
        )
        assert hashlib.sha256((raw / name).read_bytes()).hexdigest() == file.sha256
