import dataclasses

import pytest

from demeanor.explain.errors import SettingsError
from demeanor.explain.settings import Settings, load_settings


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "my.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_the_shipped_settings_have_every_key_and_no_more():
    settings = load_settings()
    assert settings.media.max_duration_s == 7200.0
    assert set(settings.as_dict()) == {f.name for f in dataclasses.fields(Settings)}


def test_a_user_s_file_changes_what_it_names_and_leaves_the_rest(written):
    mine = load_settings(written("events:\n  enter: 2.0\n"))
    assert mine.events.enter == 2.0
    assert dataclasses.replace(mine.events, enter=1.5) == load_settings().events
    assert mine.face == load_settings().face


def test_a_whole_number_will_do_for_a_fraction(written):
    assert load_settings(written("events: {enter: 2}")).events.enter == 2


def test_an_empty_file_changes_nothing(written):
    assert load_settings(written("# nothing yet\n")) == load_settings()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("event: {enter: 2.0}", r"my\.yaml: unknown section 'event'; known: .*'events'"),
        ("events: {entr: 2.0}", r"events: unknown keys \['entr'\]; known: .*'enter'"),
        ("events: {1: 2.0}", r"events: unknown keys \[1\]"),
        ("events: {enter: high}", "events.enter: wanted float, found 'high'"),
        ("events: {enter: true}", "events.enter: wanted float, found True"),
        ("events: {enter: null}", "events.enter: wanted float, found None"),
        ("events: {enter: .nan}", "events.enter: wanted a finite number, found nan"),
        ("face: {max_people: 2.5}", "face.max_people: wanted int, found 2.5"),
        ("events: {leave: 2.0}", r"leave \(2\.0\) is above enter \(1\.5\)"),
        ("events:", "wanted sections of key: value"),
        ("- enter", "wanted sections of key: value"),
        ("events: {", r"my\.yaml: not readable as YAML"),
        (b"\xff\xfe\x00", r"my\.yaml: not readable as YAML"),
    ],
)
def test_a_mistake_is_named(written, text, told):
    with pytest.raises(SettingsError, match=told):
        load_settings(written(text))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SettingsError, match="does not exist"):
        load_settings(tmp_path / "none.yaml")
