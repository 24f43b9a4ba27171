"""The page's client against the contract: what is sent, what is read, what is refused."""

import httpx
import pytest
from drawn_api import Answers, as_told
from drawn_results import result

from demeanor.serve.client import (
    SESSION_HEADER,
    ApiError,
    Client,
    Event,
    Wish,
    explained,
    read_events,
)


@pytest.fixture
def answers():
    return Answers()


def answering(response):
    return Client("http://127.0.0.1:1", transport=httpx.MockTransport(lambda _: response))


def test_a_session_is_named_in_every_call_after_it_began():
    seen = []

    def handler(request):
        seen.append(request.headers.get(SESSION_HEADER))
        assert request.headers["authorization"] == "Bearer secret"
        return httpx.Response(200, json={"session_id": "abc", "data": []})

    client = Client("http://127.0.0.1:1/", "secret", transport=httpx.MockTransport(handler))
    client.begin("research")
    client.clips()
    assert seen == [None, "abc"]


def test_stages_words_and_the_result_come_in_order(answers):
    found = list(answers.client().explain("demo", Wish(labels="rafdb7", off=("f1",))))
    assert [event.name for event in found] == ["stage", "stage", "text", "result"]
    assert explained(found[-1].data).result.explanations[0].labels == ("neutral",)
    sent = answers.asked[-1][2]
    assert sent == {"clip_id": "demo", "labels": "rafdb7", "off": ["f1"], "stream": True}


def test_an_error_in_mid_stream_is_raised_and_half_a_stream_is_no_result():
    text = 'event: error\ndata: {"error": {"message": "the model has gone", "code": "x"}}\n\n'
    with pytest.raises(ApiError, match="the model has gone"):
        list(answering(httpx.Response(200, text=text)).explain("demo", Wish()))
    half = 'event: stage\ndata: {"name": "face"}\n\n'
    with pytest.raises(ApiError, match="in the middle"):
        list(answering(httpx.Response(200, text=half)).explain("demo", Wish()))


def test_events_are_read_with_comments_and_data_on_several_lines():
    lines = [": alive", "", "event: text", 'data: {"delta":', 'data: "a"}', "", "event: done", ""]
    assert list(read_events(lines)) == [Event("text", {"delta": "a"}), Event("done")]


def test_a_refusal_keeps_the_server_s_words_and_code(answers):
    answers.refuse["/v1/clips"] = (404, "session_gone", "there is no such session. Begin a new one")
    with pytest.raises(ApiError, match="Begin a new one") as refused:
        answers.client().clips()
    assert (refused.value.status, refused.value.session_over) == (404, True)


def test_an_answer_of_another_program_and_none_at_all_are_told_apart():
    with pytest.raises(ApiError, match="Is another program listening"):
        answering(httpx.Response(200, text="<html>")).limits()
    with pytest.raises(ApiError, match="status 502"):
        answering(httpx.Response(502, text="<html>")).limits()
    with pytest.raises(ApiError, match="wanted a list"):
        answering(httpx.Response(200, json={"rows": []})).clips()

    def gone(request):
        raise httpx.ConnectError("refused")

    silent = Client("http://127.0.0.1:1", transport=httpx.MockTransport(gone))
    with pytest.raises(ApiError, match="does not answer"):
        silent.limits()
    with pytest.raises(ApiError, match="demeanor serve"):
        list(silent.explain("demo", Wish()))


def test_a_question_brings_its_answer_with_what_it_cites(answers):
    reply = answers.client().ask("demo", "When?", Wish(chat="prototype"), "p1")
    assert (reply.cites, reply.kind) == (("f1", "s1"), "when")
    sent = answers.asked[-1][2]
    assert (sent["clip_id"], sent["person"], sent["model"]) == ("demo", "p1", "prototype")


def test_a_result_comes_back_as_it_was(answers):
    read = answers.client().result("demo")
    assert as_told(read) == as_told(answers.shown)
    with pytest.raises(Exception, match="schema version"):
        explained({"result": {**as_told(result()), "schema_version": "0"}})


def test_a_path_becomes_an_address(answers):
    link = answers.client().link("/v1/clips/demo/media?key=k")
    assert link == "http://127.0.0.1:1/v1/clips/demo/media?key=k"
