import pytest

from demeanor.data_engine.config import SourceConfig
from demeanor.data_engine.sources import read_source
from demeanor.explain.corpora.items import CorpusError
from demeanor.explain.corpora.mapping import LossyMapping
from demeanor.explain.errors import SettingsError, UnknownName


@pytest.fixture
def table(tmp_path):
    def write(*rows, head="path,label,subject,split"):
        (tmp_path / "t.csv").write_text("\n".join([head, *rows]) + "\n")
        return tmp_path / "t.csv"

    return write


def source(path, corpus="folder", labels="rafdb7", **changes):
    return read_source(SourceConfig(corpus=corpus, path=path, labels=labels, **changes))


def test_labels_are_mapped_by_name_and_paths_are_relative(table):
    found = source(table("a/x.jpg,Happy,anna,train", "b/x.jpg,sadness,bert,test"))
    assert [(s.path, s.labels) for s in found.samples] == [
        ("a/x.jpg", ("happiness",)),
        ("b/x.jpg", ("sadness",)),
    ]
    assert found.samples[0].subject != found.samples[1].subject != "anna"


def test_a_label_that_would_be_lost_is_refused_unless_asked_for(table):
    path = table("a.jpg,joy,,", "b.jpg,excitement,,", "c.jpg,boredom,,")
    with pytest.raises(LossyMapping, match="boredom"):
        source(path)
    found = source(path, lossy=True)
    assert [s.labels[0] for s in found.samples] == ["happiness", "happiness"]


def test_splits_and_a_trial(table):
    path = table(*(f"{k}.jpg,anger,,{'a' if k % 2 else 'b'}" for k in range(10)))
    assert len(source(path, splits=("a",)).samples) == 5
    assert [s.path for s in source(path, limit=3).samples] == ["0.jpg", "3.jpg", "6.jpg"]
    with pytest.raises(SettingsError, match="no split"):
        source(path, splits=("c",))


def test_what_has_no_label_to_argue_for_is_refused(table, tmp_path):
    with pytest.raises(SettingsError, match="no label"):
        source(tmp_path, corpus="emer-v2")
    with pytest.raises(SettingsError, match="name a set"):
        source(table("a.jpg,anger,,"), labels=None)
    with pytest.raises(UnknownName):
        source(tmp_path, corpus="nowhere")
    with pytest.raises(CorpusError):
        source(table())
