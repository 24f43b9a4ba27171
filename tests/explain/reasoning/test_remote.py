"""Against a real little HTTP server on this machine, which answers from a list."""

import json
from dataclasses import replace

import pytest
from drawn_observations import au, request
from scripted_chat import good_reply
from scripted_server import Server

pytest.importorskip("langchain_openai", reason="the extra `openai` is not installed")

from demeanor.explain.errors import ChatError
from demeanor.explain.reasoning.chain import explain_person
from demeanor.explain.reasoning.chat import chat_model
from demeanor.explain.reasoning.remote import RemoteChat

SMILE = au("f1", 12, 4.0)


@pytest.fixture
def server():
    made = []

    def make(*answers):
        made.append(Server(*answers))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def completion(text, finish="stop"):
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    body = {"id": "1", "object": "chat.completion", "created": 1, "model": "m"}
    return 200, json.dumps({**body, "choices": [choice]})


def failure(status, message):
    return status, json.dumps({"error": {"message": message, "type": "error", "code": None}})


def test_a_good_reply_is_held_to_the_schema_and_becomes_an_explanation(server):
    one = server(completion(good_reply()))
    found = explain_person(request(SMILE), chat_model(f"{one.address}#m"))
    assert found.best_fit == "happiness" and found.problems == ()
    assert found.provenance.notes == (f"asked at {one.address}",)
    path, headers, body = one.asked[0]
    assert path == "/v1/chat/completions"
    assert headers["authorization"] == "Bearer sk-very-secret"
    assert (body["model"], body["temperature"], body["seed"]) == ("m", 0.0, 0)
    assert body["max_tokens"] == 500
    assert [m["role"] for m in body["messages"]] == ["system", "user"]
    assert body["response_format"]["type"] == "json_schema"
    assert "best_fit" in body["response_format"]["json_schema"]["schema"]["properties"]


def test_a_server_that_refuses_schemas_is_asked_without_from_then_on(server):
    one = server(
        failure(400, "response_format is not supported"),
        completion(good_reply()),
        completion(good_reply()),
    )
    model = RemoteChat(f"{one.address}#m")
    first = explain_person(request(SMILE), model)
    second = explain_person(request(SMILE), model)
    assert first.best_fit == second.best_fit == "happiness"
    assert ["response_format" in body for _, _, body in one.asked] == [True, False, False]
    assert "the server refused a JSON schema" in first.provenance.notes[-1]


def test_a_hiccup_is_retried(server):
    one = server(failure(500, "out of memory"), completion(good_reply()))
    assert explain_person(request(SMILE), RemoteChat(f"{one.address}#m")).best_fit == "happiness"
    assert len(one.asked) == 2


def test_a_reply_cut_at_its_length_is_kept_and_marked(server):
    cut = completion(good_reply()[:80], finish="length")
    found = explain_person(request(SMILE), RemoteChat(f"{server(cut, cut).address}#m"))
    assert found.abstained and good_reply()[:80] in found.raw_reply
    assert "broken or cut short" in found.problems[0]


@pytest.mark.parametrize("text", ["<html>It works!</html>", "{}", '{"choices": null}', "[1, 2]"])
def test_garbage_is_told_as_such(server, text):
    one = server(*[(200, text)] * 3)
    with pytest.raises(ChatError, match=r"did not answer like a chat model .*/v1\?"):
        RemoteChat(f"{one.address}#m").reply(request(SMILE))


def test_a_refused_key_says_what_to_do_and_never_shows_the_key(server):
    one = server(failure(401, "bad key sk-very-secret"))
    with pytest.raises(ChatError, match=r"it answered 401: .*Set OPENAI_API_KEY") as caught:
        RemoteChat(f"{one.address}#m").reply(request(SMILE))
    assert "sk-very-secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert "sk-very-secret" not in repr(vars(caught.value))


def test_a_bad_request_for_another_reason_is_no_refused_schema(server):
    too_long = failure(400, "maximum context length is 4096 tokens")
    model = RemoteChat(f"{server(too_long, too_long).address}#m")
    with pytest.raises(ChatError, match=r"maximum context length .*max_tokens"):
        model.reply(request(SMILE))
    assert len(model.notes) == 1


def test_nobody_there_is_told_with_the_address(server):
    one = server()
    one.close()
    with pytest.raises(ChatError, match="could not be reached") as caught:
        RemoteChat(f"{one.address}#m", max_retries=0).reply(request(SMILE))
    assert one.address in str(caught.value)


def test_without_a_name_the_first_model_of_the_server_is_taken(server):
    listed = {"object": "list", "data": [{"id": "tiny", "object": "model", "created": 1}]}
    one = server((200, json.dumps(listed)))
    assert RemoteChat(one.address).name == "tiny"
    assert one.asked[0][0] == "/v1/models"


def test_a_server_without_models_says_how_to_name_one(server):
    with pytest.raises(ChatError, match="#MODEL"):
        RemoteChat(server((200, '{"object": "list", "data": []}')).address)


def streamed(*pieces):
    """A completion as servers stream it."""
    head = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    chunks = [{"index": 0, "delta": {"content": piece}, "finish_reason": None} for piece in pieces]
    chunks.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    lines = [f"data: {json.dumps({**head, 'choices': [chunk]})}\n\n" for chunk in chunks]
    return 200, "".join(lines) + "data: [DONE]\n\n"


def test_who_listens_is_told_the_words_as_they_come(server):
    reply = good_reply()
    one, heard = server(streamed(reply[:9], reply[9:30], reply[30:])), []
    asked = replace(request(SMILE), say=heard.append)
    found = explain_person(asked, chat_model(f"{one.address}#m"))
    assert heard == [reply[:9], reply[9:30], reply[30:]]
    assert found.best_fit == "happiness"
    assert one.asked[0][2]["stream"] is True


def test_who_stops_listening_ends_the_reply(server):
    def leave(words):
        raise KeyboardInterrupt

    one = server(streamed("a", "b"))
    with pytest.raises(KeyboardInterrupt):
        RemoteChat(f"{one.address}#m").reply(replace(request(SMILE), say=leave))
