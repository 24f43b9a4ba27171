"""The page of the chat without a browser: what stands where, what is asked of the API.

The API's answers are drawn (tests/drawn_api.py). Our two components are replaced by recorders: what
they draw is looked at in a real browser (tests/test_chat_in_browser.py).
"""

from pathlib import Path

import pytest
from drawn_api import SCRIPT, Answers
from drawn_results import explanation, result

from demeanor.explain.records import Person, Span
from demeanor.serve import chat_state

PAGE = Path(__file__).resolve().parents[2] / "serve" / "chat_page.py"


class Shown:
    """The page over drawn answers, with what its components were given in the last run."""

    def __init__(self, app, answers):
        self.app, self.answers = app, answers
        self.players, self.cited = [], {}

    def keep_player(self, data, key, on_person):
        self.players.append(data)

    def keep_cited(self, clip_id, blocks, titles, key):
        self.cited[key] = blocks

    def run(self):
        self.players, self.cited = [], {}
        self.app.run()
        assert not self.app.exception
        return self

    def press(self, label):
        button = next(b for b in self.app.button if b.label == label)
        assert not button.disabled
        button.click()
        return self.run()

    def opened(self, purpose="research"):
        self.app.radio(key="purpose").set_value(chat_state.purpose(purpose))
        self.run()
        return self.press("Measure the clip" if purpose == "workplace" else "Explain the clip")

    def blocks(self, key):
        return next(blocks for name, blocks in self.cited.items() if name.startswith(key))

    @property
    def sent(self):
        return [(method, path) for method, path, _ in self.answers.asked]

    @property
    def wishes(self):
        """What was to be explained, in order."""
        return [told for _, path, told in self.answers.asked if path == "/v1/explain"]


@pytest.fixture
def answers():
    return Answers()


@pytest.fixture
def page(monkeypatch, answers):
    testing = pytest.importorskip("streamlit.testing.v1")
    from demeanor.serve import client, player

    def opened():
        shown = Shown(testing.AppTest.from_file(str(PAGE), default_timeout=30), answers)
        monkeypatch.setattr(client, "Client", lambda address, token="": answers.client())
        monkeypatch.setattr(player, "player", shown.keep_player)
        monkeypatch.setattr(player, "cited", shown.keep_cited)
        return shown.run()

    return opened


def alerts(app):
    return [e.proto.body for e in app.get("html") if 'role="alert"' in e.proto.body]


def texts(app):
    told = [e.value for e in (*app.text, *app.caption, *app.info)]
    return "\n".join([*told, *alerts(app)])


def test_nothing_is_explained_before_a_purpose_is_chosen(page):
    shown = page()
    (go,) = [b for b in shown.app.button if b.label == "Explain the clip"]
    assert go.disabled
    assert shown.sent == [("GET", "/v1/limits")]


def test_the_demo_clip_is_explained_and_shown_with_its_claims(page):
    shown = page().opened()
    assert ("POST", "/v1/explain") in shown.sent
    (data,) = shown.players
    assert (data["clip_id"], data["person"]) == ("demo", "p1")
    kinds = [block["kind"] for block in shown.blocks("answer")]
    assert kinds[:3] == ["lead", "quiet", "answer"]
    assert shown.blocks("gaps")[0]["what"] == "AU14"


def test_the_purpose_is_stored_with_the_session_and_cues_alone_are_announced(page, answers):
    answers.shown = result(SCRIPT, explanations=())
    answers.notice = "No emotion was inferred: workplace."
    shown = page().opened("workplace")
    begun = next(told for _, path, told in answers.asked if path == "/v1/sessions")
    assert begun == {"purpose": "workplace"}
    blocks = shown.blocks("answer")
    assert blocks[0]["text"] == "No emotion was inferred: workplace."
    assert all(block["kind"] != "answer" for block in blocks)
    assert not any(b.label == "Reason without them" for b in shown.app.button)


def test_a_question_is_asked_once_and_its_turns_are_read_back(page, answers):
    shown = page().opened()
    shown.app.chat_input(key="question").set_value("When does the smile begin?")
    shown.run()
    told = next(told for _, path, told in answers.asked if path == "/v1/chat/completions")
    assert told["messages"] == [{"role": "user", "content": "When does the smile begin?"}]
    assert told["person"] == "p1"
    asked, answered = shown.blocks("talk")
    assert asked["role"] == "user"
    assert {"id": "f1"} in answered["pieces"]
    assert answered["cites"] == ["s1"]
    shown.run()
    assert shown.sent.count(("POST", "/v1/chat/completions")) == 1


def test_a_suggestion_is_a_question_and_is_not_offered_again(page):
    shown = page().opened().press("Why happiness?")
    assert [block["role"] for block in shown.blocks("talk")] == ["user", "assistant"]
    assert "Why happiness?" not in [b.label for b in shown.app.button]


def test_observations_switched_off_stand_beside_the_whole(page, answers):
    shown = page().opened()
    shown.app.multiselect[0].set_value(["f1"])
    shown.run().press("Reason without them")
    assert shown.wishes[-1]["off"] == ["f1"]
    assert shown.players[-1]["timeline"]["off"] == ["f1"]
    before, after = shown.blocks("before"), shown.blocks("after")
    assert before[2]["labels"] == ["happiness"]
    assert after[2]["labels"] == ["neutral"]
    assert "neutral now fits best" in texts(shown.app)
    # the clip's own explanation stays
    assert shown.blocks("answer")[2]["labels"] == ["happiness"]


def test_a_corrected_label_is_kept_and_shown(page, answers):
    shown = page().opened()
    shown.press("Keep the correction")
    assert answers.corrections[0]["label"] == "happiness"
    assert answers.corrections[0]["now"] == "neutral"
    assert "label: happiness → neutral" in texts(shown.app)


def test_a_correction_that_changes_nothing_is_not_sent(page, answers):
    shown = page().opened()
    shown.app.selectbox(key="wrong").set_value(1)
    shown.run().press("Keep the correction")
    assert answers.corrections == []
    assert "change it first" in texts(shown.app)


@pytest.mark.parametrize("there", ["", "1"])
def test_a_camera_is_offered_where_there_is_one_and_asked_for_once(page, monkeypatch, there):
    monkeypatch.setenv("DEMEANOR_LIVE", there)
    shown = page().opened()
    shown.run()
    links = [e.proto.url for e in shown.app.get("link_button")]
    assert links == (["http://127.0.0.1:1/live#ticket"] if there else [])
    assert shown.sent.count(("POST", "/v1/live")) == len(links)


def test_another_reasoner_labels_and_everybody_are_asked_for(page, answers):
    shown = page().opened()
    chosen = {box.label: box for box in shown.app.selectbox}
    chosen["Who reasons"].set_value("other")
    chosen["Labels"].set_value("ekman6")
    shown.app.checkbox[0].check()
    shown.press("Explain again")
    told = shown.wishes[-1]
    assert (told["chat"], told["labels"], told["person"]) == ("other", "ekman6", "all")


def test_whoever_was_not_asked_about_is_offered(page, answers):
    people = tuple(Person(p, (Span(0.0, 4.0),), 40, 60.0, (0, 0, 1, 1), 2.0) for p in ("p1", "p2"))
    answers.shown = result(people=people, explanations=(explanation("p1"),))
    shown = page().opened()
    shown.app.session_state["person"] = "p2"
    shown.run()
    assert [b["kind"] for b in shown.blocks("answer")] == ["note"]
    shown.press("Explain everybody who is seen")
    assert shown.wishes[-1]["person"] == "all"


def test_two_clips_stand_side_by_side(page, answers):
    shown = page().opened()
    answers.names["b" * 64] = "second.mp4"
    shown.run().press(r"second\.mp4 · 4\.0 s")
    assert shown.players[0]["clip_id"] == "b" * 64
    beside = shown.app.radio(key="beside")
    beside.set_value("demo")
    shown.run()
    assert [data["clip_id"] for data in shown.players] == ["b" * 64, "demo"]


def test_an_engine_that_does_not_answer_is_told_with_what_to_do(page, answers):
    answers.refuse["/v1/limits"] = (503, "starting", "the engine is starting. Wait a little")
    shown = page()
    assert "the engine is starting" in texts(shown.app)
    del answers.refuse["/v1/limits"]
    shown.press("Try again")
    assert alerts(shown.app) == []


def test_a_full_queue_is_told_and_the_page_goes_on(page, answers):
    answers.refuse["/v1/explain"] = (429, "busy", "all 8 places are taken. Try again in 4 s")
    shown = page().opened()
    assert "all 8 places are taken" in texts(shown.app)
    del answers.refuse["/v1/explain"]
    shown.press("Try again")
    assert "Explain the clip" in [b.label for b in shown.app.button]


def test_where_explaining_again_fails_the_clip_is_still_there(page, answers):
    shown = page().opened()
    answers.refuse["/v1/explain"] = (502, "model", "the chat model could not be reached")
    shown.press("Explain again")
    assert "could not be reached" in texts(shown.app)
    shown.press("Try again")
    assert shown.players[-1]["clip_id"] == "demo"
    assert shown.blocks("answer")[2]["labels"] == ["happiness"]


def test_a_session_that_is_over_is_begun_anew(page, answers):
    shown = page().opened()
    answers.refuse["/v1/clips"] = (404, "session_gone", "its time is over. Begin a new one")
    shown.run()
    assert "its time is over" in texts(shown.app)
    shown.press("Begin a new session")
    assert shown.app.radio(key="purpose").value is None


def test_a_refused_question_leaves_the_talk_as_it_was(page, answers):
    shown = page().opened()
    answers.refuse["/v1/chat/completions"] = (422, "form", "the question is empty")
    shown.press("Why happiness?")
    assert "the question is empty" in texts(shown.app)
    assert "Why happiness?" in [b.label for b in shown.app.button]  # it can be asked again


def test_no_text_of_a_stranger_is_read_as_markdown(page, answers):
    answers.names["demo"] = SCRIPT
    answers.notice = SCRIPT
    shown = page().opened()
    app = shown.app
    said = [e.value for e in (*app.markdown, *app.caption, *app.header, *app.subheader)]
    assert not any("![x]" in text or "<script" in text for text in said)
    assert not any("![x]" in button.label for button in app.button)
