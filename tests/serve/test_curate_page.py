import pytest
from drawn_build import build_drawn

from demeanor.data_engine.curate import CURATED, Curation, Decision

testing = pytest.importorskip("streamlit.testing.v1")


def show(folder, media):
    from demeanor.serve.curate_page import page

    page(folder, media)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return build_drawn(tmp_path_factory.mktemp("curate"))


@pytest.fixture
def opened(built):
    """The page over a folder nobody has decided about."""
    (built / "curation.jsonl").unlink(missing_ok=True)
    kwargs = {"folder": str(built), "media": None}
    at = testing.AppTest.from_function(show, kwargs=kwargs, default_timeout=20).run()
    assert not at.exception
    return at


def test_rows_are_accepted_rejected_and_mended_and_the_page_goes_on(opened, built):
    at = opened
    assert at.subheader[0].value == "1 of 2: surprise"
    assert "AU26" in at.text_area[0].value
    at.text_area[0].set_value(at.text_area[0].value + "\n- A joyful look [f1].").run()
    at.button(key="mend").click().run()
    assert "joyful" in at.error[0].value
    assert at.subheader[0].value.startswith("1 of 2")
    mended = at.text_area[0].value.replace("A joyful look [f1]", "AU26 is seen [f5]")
    at.text_area[0].set_value(mended).run()
    at.button(key="mend").click().run()
    assert at.subheader[0].value == "2 of 2: neutral"
    at.button(key="reject").click().run()
    decided = Curation(built).decided
    assert sorted(d.decision for d in decided.values()) == [Decision.MEND, Decision.REJECT]
    at.button(key="write").click().run()
    assert "mend 1" in at.success[0].value.replace("\\", "")
    assert (built / CURATED).read_text().count("\n") == 1


def test_the_page_goes_to_and_fro_and_to_what_is_open(opened):
    at = opened
    at.button(key="previous").click().run()
    assert at.subheader[0].value == "2 of 2: neutral"
    at.button(key="accept").click().run()
    at.button(key="next").click().run()
    at.button(key="open").click().run()
    assert at.subheader[0].value == "1 of 2: surprise"


def test_a_clip_that_is_not_here_is_said(opened):
    assert "not here" in opened.info[0].value


def test_words_of_strangers_are_shown_as_they_are():
    from demeanor.serve.curate_page import _plain

    assert _plain("<b>[x](y)") == r"\<b\>\[x\]\(y\)"
