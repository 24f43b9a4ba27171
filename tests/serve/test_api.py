"""The API as its clients see it: what is answered, in which order, and what is refused."""

import asyncio
import errno
import io
import json
import zipfile

import httpx
import pytest
from scripted_chat import ScriptedChat
from serve_address import HOST, PAGE

from demeanor.explain.demo import demo_clip
from demeanor.explain.store import json_schema
from demeanor.serve import sessions as kept
from demeanor.serve.api import make_app
from demeanor.serve.desk import DEMO, Desk, Queue
from demeanor.serve.guard import Access
from demeanor.serve.sessions import Limits, Sessions
from demeanor.serve.waiting import State

ASK = "When does she smile?"
TOKEN = "a-token-of-the-test"  # noqa: S105


@pytest.fixture
def session(api) -> str:
    answer = api("POST", "/v1/sessions", json={"purpose": "research"})
    assert answer.status_code == 201
    return answer.json()["session_id"]


def code_of(answer: httpx.Response) -> str:
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "code", "request_id"}
    assert error["request_id"] == answer.headers["x-request-id"]
    return error["code"]


def upload(api, session: str, content: bytes, name: str = "a.mp4", **more) -> httpx.Response:
    return api("POST", "/v1/clips", session, files={"file": (name, content)}, **more)


def read_events(text: str) -> list[tuple[str, dict]]:
    found = []
    for block in filter(None, text.split("\n\n")):
        name, data = block.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


# Sessions -------------------------------------------------------------------------------------


def test_a_session_begins_with_a_purpose_and_is_renewed(api) -> None:
    begun = api("POST", "/v1/sessions", json={"purpose": "education"}).json()
    assert begun["cue_only"] is True
    again = api("GET", "/v1/sessions/current", begun["session_id"]).json()
    assert again["expires_s"] >= begun["expires_s"]
    assert api("POST", "/v1/sessions").json()["purpose"] == "research"


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [({}, 400, "no_session"), ({"session": "nobody"}, 404, "session_gone")],
)
def test_without_a_session_there_is_nothing(api, sent, status, code) -> None:
    for method, path in (("GET", "/v1/clips"), ("GET", "/v1/clips/demo"), ("POST", "/v1/clips"),
                         ("POST", "/v1/explain"), ("GET", "/v1/clips/demo/turns")):  # fmt: skip
        answer = api(method, path, **sent, **({"json": {"clip_id": DEMO}} if "ex" in path else {}))
        assert (answer.status_code, code_of(answer)) == (status, code), path


# Clips ----------------------------------------------------------------------------------------


def test_uploads_are_known_by_their_content(api, session, little_clip) -> None:
    first = upload(api, session, little_clip)
    again = upload(api, session, little_clip, "b.mp4")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    told = api("GET", "/v1/clips", session).json()["data"]
    assert [clip["clip_id"] for clip in told] == [DEMO, first.json()["clip_id"]]
    assert told[1]["name"] == "a.mp4"
    assert told[1]["has_audio"] is True
    assert (told[1]["width"], told[1]["height"], told[1]["kind"]) == (64, 48, "video")


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/cron.d/x.mp4", "..\\..\\x.mp4"])
def test_a_path_in_a_name_goes_nowhere(api, session, little_clip, name) -> None:
    told = upload(api, session, little_clip, name).json()
    assert "/" not in told["name"]
    assert "\\" not in told["name"]
    folder = api.desk.sessions.folder
    (file,) = (folder / "uploads").iterdir()
    assert file.stem == told["clip_id"]


def test_a_zip_bomb_named_mp4_is_no_clip(api, session) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", b"\0" * 10_000_000)
    answer = upload(api, session, packed.getvalue(), "film.mp4")
    assert (answer.status_code, code_of(answer)) == (415, "not_media")
    assert str(api.desk.sessions.folder) not in answer.text
    assert list((api.desk.sessions.folder / "uploads").iterdir()) == []


def big_form(n_chunks: int, taken: list[int]):
    async def body():
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n'
        for number in range(n_chunks):
            taken.append(number)
            yield b"\0" * 1_000_000
        yield b"\r\n--x--\r\n"

    return body()


def test_five_gigabytes_are_stopped_at_the_limit_and_leave_nothing(api, session) -> None:
    taken: list[int] = []
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = api("POST", "/v1/clips", session, content=big_form(5000, taken), headers=kind)
    assert (answer.status_code, code_of(answer)) == (413, "too_large")
    assert len(taken) <= 5  # the limit of this desk is 3 MB
    assert list((api.desk.sessions.folder / "uploads").iterdir()) == []
    assert api.desk.uploading.state == State(0, 0, 8)


def test_a_length_that_is_told_is_believed_before_anything_is_read(api, session) -> None:
    taken: list[int] = []
    headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": "5000000000"}
    answer = api("POST", "/v1/clips", session, content=big_form(5000, taken), headers=headers)
    assert code_of(answer) == "too_large"
    assert len(taken) < 20  # some is taken in, so that the answer is read


def test_a_full_disk_is_said(api, session, little_clip, monkeypatch) -> None:
    def full(*_) -> tuple[str, int]:
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(kept, "_written", full)
    answer = upload(api, session, little_clip)
    assert (answer.status_code, code_of(answer)) == (507, "storage_full")
    assert list((api.desk.sessions.folder / "uploads").iterdir()) == []


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"", "multipart/form-data; boundary=x"), (b"{}", "application/json"), (b"x", "")],
)
def test_what_is_no_form_is_said(api, session, content, kind) -> None:
    answer = api("POST", "/v1/clips", session, content=content, headers={"Content-Type": kind})
    assert (answer.status_code, code_of(answer)) == (422, "bad_form")


def test_two_hundred_uploads_at_once_against_a_queue_of_eight(api, session, little_clip) -> None:
    """Who finds the line full is told when to come again and has left nothing; who was told that
    it was kept finds it kept; and who comes again is served."""

    async def send(client: httpx.AsyncClient, number: int) -> httpx.Response:
        content = little_clip + number.to_bytes(2, "big")  # another clip, as readable
        return await client.post("/v1/clips", files={"file": ("a.mp4", content)})

    async def waves() -> tuple[list[httpx.Response], list[httpx.Response]]:
        async with api.client() as client:
            client.headers["X-Demeanor-Session"] = session
            first = await asyncio.gather(*(send(client, n) for n in range(200)))
            refused = [n for n, answer in enumerate(first) if answer.status_code == 429]
            again = await asyncio.gather(*(send(client, n) for n in refused[:8]))
            return first, again

    first, again = asyncio.run(waves())
    refused = [answer for answer in first if answer.status_code == 429]
    kept = [answer for answer in (*first, *again) if answer.status_code == 201]
    assert len(refused) >= 100
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert len(kept) == 200 - len(refused) + 8
    stored = {upload.upload_id for upload in api.desk.sessions.uploads(session)}
    assert stored == {answer.json()["clip_id"] for answer in kept}
    assert len(list((api.desk.sessions.folder / "uploads").iterdir())) == len(stored)
    assert api.desk.uploading.state == State(0, 0, 8)


# The file itself ------------------------------------------------------------------------------


def test_media_comes_in_ranges_to_whoever_has_its_key(api, session) -> None:
    link = api("GET", "/v1/clips/demo", session).json()["media_url"]
    film = demo_clip().read_bytes()
    whole = api("GET", link)
    assert (whole.status_code, whole.headers["content-type"]) == (200, "video/mp4")
    assert whole.content == film
    part = api("GET", link, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, film[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(film)}"
    assert part.headers["cross-origin-resource-policy"] == "cross-origin"
    assert api("GET", link, headers={"Range": "bytes=99999999-"}).status_code == 416


def test_a_key_is_for_one_clip(api, session, little_clip) -> None:
    own = upload(api, session, little_clip).json()
    demo = api("GET", "/v1/clips/demo", session).json()
    key = demo["media_url"].split("key=")[1]
    for link in (f"/v1/clips/{own['clip_id']}/media?key={key}",
                 f"/v1/clips/{own['clip_id']}/thumbnail?key={key}",
                 "/v1/clips/demo/media?key=ffffffff-00"):  # fmt: skip
        answer = api("GET", link)
        assert (answer.status_code, code_of(answer)) == (403, "wrong_key")
    assert api("GET", "/v1/clips/demo/media").status_code == 422
    assert api("GET", own["media_url"]).content == little_clip


def test_a_thumbnail_is_a_picture(api, session) -> None:
    link = api("GET", "/v1/clips/demo", session).json()["thumbnail_url"]
    picture = api("GET", f"{link}&at_s=3.0&person=p1")
    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.content[:2] == b"\xff\xd8"
    assert code_of(api("GET", f"{link}&person=p9")) == "unknown_name"
    assert api("GET", f"{link}&at_s=nan").status_code == 422


# Explaining -----------------------------------------------------------------------------------


def test_an_explanation_is_the_published_result(api, session) -> None:
    import jsonschema

    told = api("POST", "/v1/explain", session, json={"clip_id": DEMO}).json()
    assert told["notice"] is None
    jsonschema.validate(told["result"], json_schema())
    assert told["result"]["measurement"]["clip"]["path"] == "demo.mp4"
    assert api("GET", "/v1/clips/demo/result", session).json() == told["result"]
    assert api("GET", "/v1/clips/demo", session).json()["explained"] is True


@pytest.mark.parametrize("how", ["flag", "header"])
def test_events_come_in_their_order(api, session, how) -> None:
    sent = {"json": {"clip_id": DEMO, "stream": how == "flag"}}
    headers = {"Accept": "text/event-stream"} if how == "header" else {}
    answer = api("POST", "/v1/explain", session, headers=headers, **sent)
    assert answer.headers["content-type"].startswith("text/event-stream")
    told = read_events(answer.text)
    names = [name for name, _ in told]
    assert names[-2:] == ["result", "done"]
    assert names.index("text") > names.index("stage")
    done = [data["name"] for name, data in told if name == "stage" and data["done"]]
    assert done == ["media", "face", "voice", "words", "observations", "reasoning"]
    assert set(told[0][1]) == {"name", "done", "found", "took_s"}
    plain = api("POST", "/v1/explain", session, json={"clip_id": DEMO}).json()
    assert told[-2][1] == plain


def test_an_error_in_a_stream_is_an_event(desk, session, api) -> None:
    desk = Desk(desk.sessions, {"broken": ScriptedChat(ZeroDivisionError("inside"))}, desk.front)
    api = type(api)(desk, make_app(desk))
    answer = api("POST", "/v1/explain", session, json={"clip_id": DEMO, "stream": True})
    told = read_events(answer.text)
    assert [name for name, _ in told[-2:]] == ["error", "done"]
    assert told[-2][1]["error"]["code"] == "fault"
    assert "inside" not in answer.text


def test_an_upload_can_be_explained_at_once(api, session, little_clip) -> None:
    fields = {"labels": "ekman6", "stream": "false"}
    answer = api(
        "POST", "/v1/explain", session, files={"file": ("a.mp4", little_clip)}, data=fields
    )
    told = answer.json()
    assert told["result"]["explanations"][0]["label_set"] == "ekman6"
    assert api("GET", f"/v1/clips/{told['clip_id']}", session).json()["explained"] is True


def test_what_is_switched_off_is_left_out_for_once(api, session) -> None:
    off = ["f9", "f10", "s3"]
    less = api("POST", "/v1/explain", session, json={"clip_id": DEMO, "off": off}).json()
    ids = {o["obs_id"] for o in less["result"]["observations"]}
    assert not ids & set(off)
    assert api("GET", "/v1/clips/demo/result", session).status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"clip_id": "none"}, 404, "no_clip"),
        ({"clip_id": DEMO, "labels": "/etc/passwd"}, 400, "unknown_name"),
        ({"clip_id": DEMO, "chat": "http://10.0.0.1/v1"}, 400, "unknown_name"),
        ({"clip_id": DEMO, "off": ["f99"]}, 400, "unknown_name"),
        ({"clip_id": DEMO, "person": "p9"}, 400, "unknown_name"),
        ({"clip_id": DEMO, "language": "../.."}, 422, "unreadable"),
        ({"clip_id": DEMO, "verbose": True}, 422, "unreadable"),
        ({}, 422, "unreadable"),
    ],
)
def test_what_cannot_be_explained_is_said(api, session, body, status, code) -> None:
    answer = api("POST", "/v1/explain", session, json=body)
    assert (answer.status_code, code_of(answer)) == (status, code)
    assert api.desk.engine.state == State(0, 0, 8)


@pytest.mark.parametrize("wrong", [{"clip_id": "none"}, {"labels": "none"}, {"chat": "none"}])
def test_what_is_known_at_once_is_said_before_a_stream_begins(api, session, wrong) -> None:
    sent = {"clip_id": DEMO, **wrong, "stream": True}
    assert api("POST", "/v1/explain", session, json=sent).status_code in (400, 404)


@pytest.mark.parametrize("wrong", [{"off": ["f99"]}, {"person": "p9"}])
def test_what_only_the_measurement_tells_is_an_event(api, session, wrong) -> None:
    sent = {"clip_id": DEMO, **wrong, "stream": True}
    told = read_events(api("POST", "/v1/explain", session, json=sent).text)
    assert [name for name, _ in told[-2:]] == ["error", "done"]
    assert told[-2][1]["error"]["code"] == "unknown_name"


def test_a_body_without_end_is_not_read_to_it(api, session) -> None:
    answer = api("POST", "/v1/explain", session, content=b" " * 2_000_000)
    assert code_of(answer) == "too_large"


def test_a_full_line_is_said_with_when_to_come_again(api, session) -> None:
    tickets = [api.desk.engine.join() for _ in range(9)]
    for stream in (False, True):
        answer = api("POST", "/v1/explain", session, json={"clip_id": DEMO, "stream": stream})
        assert (answer.status_code, code_of(answer)) == (429, "queue_full")
        assert int(answer.headers["retry-after"]) >= 1
    limits = api("GET", "/v1/limits").json()
    assert limits["queue"] == {"working": 1, "waiting": 8, "places": 8}
    for ticket in tickets:
        ticket.leave()
    assert api("POST", "/v1/explain", session, json={"clip_id": DEMO}).status_code == 200


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_frees_the_engine(api, session, long_clip, address, stream) -> None:
    """Over a socket: nothing is left working, and the next one is served."""
    clip_id = upload(api, session, long_clip).json()["clip_id"]
    headers = {"X-Demeanor-Session": session}
    begun = {"clip_id": clip_id, "stream": stream}
    if stream:
        with httpx.stream("POST", f"{address}/v1/explain", json=begun, headers=headers) as answer:
            lines = answer.iter_lines()
            assert any('"name":"face"' in line for line in lines)
    else:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{address}/v1/explain", json=begun, headers=headers, timeout=0.3)
    with api.desk.engine.join() as place, place.turn():  # waits until the other one has stopped
        assert not api.desk.clip(session, clip_id).explained
    assert httpx.get(f"{address}/health").status_code == 200


# What is made of it ---------------------------------------------------------------------------


def test_tracks_reports_and_exports(api, session) -> None:
    assert code_of(api("GET", "/v1/clips/demo/tracks", session)) == "not_explained"
    api("POST", "/v1/explain", session, json={"clip_id": DEMO})
    rows = api("GET", "/v1/clips/demo/tracks", session).json()["tracks"]
    assert "AU12" in {row["name"] for row in rows}
    assert all(len(row["t_s"]) == len(row["values"]) <= 400 for row in rows)
    for form, kind in (("html", "text/html"), ("md", "text/markdown"), ("json", "application")):
        answer = api("GET", f"/v1/clips/demo/report?form={form}", session)
        assert answer.headers["content-type"].startswith(kind)
        assert f"report-demo.{form}" in answer.headers["content-disposition"]
    answer = api("GET", "/v1/clips/demo/export?form=rows", session)
    assert zipfile.ZipFile(io.BytesIO(answer.content)).namelist()[0] == "rows.jsonl"
    assert api("GET", "/v1/clips/demo/export?form=exe", session).status_code == 422


def test_corrections_are_kept(api, session) -> None:
    api("POST", "/v1/explain", session, json={"clip_id": DEMO})
    sent = {"label": "happiness", "now": "surprise", "note": "<script>"}
    made = api("POST", "/v1/clips/demo/corrections", session, json=sent)
    assert made.status_code == 201
    assert made.json()["model"] == "prototype 1"
    assert api("GET", "/v1/clips/demo/corrections", session).json()["data"] == [made.json()]


def test_what_the_server_has(api) -> None:
    assert api("GET", "/health").json()["status"] == "ok"
    assert [m["id"] for m in api("GET", "/v1/models").json()["data"]] == ["prototype"]
    assert "rafdb7" in {row["name"] for row in api("GET", "/v1/labels").json()["data"]}
    limits = api("GET", "/v1/limits").json()
    assert limits["upload_bytes"] == 3_000_000
    assert ".mp4" in limits["types"]
    assert "no emotion is inferred" in api("GET", "/v1/notice?purpose=workplace").text
    counts = api("GET", "/metrics").text
    assert 'demeanor_requests_total{route="/health",status="200"} 1' in counts
    assert 'demeanor_requests_total{route="/v1/limits",status="200"} 1' in counts


# Talking, through OpenAI's own client ---------------------------------------------------------


@pytest.fixture
def openai(address, session):
    package = pytest.importorskip("openai", reason="the extra `openai` is not installed")
    headers = {"X-Demeanor-Session": session}
    with package.OpenAI(base_url=f"{address}/v1", api_key="none", default_headers=headers,
                        max_retries=0) as client:  # fmt: skip
        yield client


def test_openai_s_client_asks_and_reads_the_citations(openai, api, session) -> None:
    asked = [{"role": "user", "content": ASK}]
    told = openai.chat.completions.create(
        model="prototype", messages=asked, extra_body={"clip_id": DEMO}
    )
    assert "[f11]" in told.choices[0].message.content
    assert told.choices[0].message.demeanor == {"cites": ["f11", "f18"], "kind": "when"}
    stream = openai.chat.completions.create(
        model="prototype", messages=asked, stream=True, extra_body={"clip_id": DEMO}
    )
    deltas = [chunk.choices[0].delta for chunk in stream]
    assert "".join(d.content or "" for d in deltas) == told.choices[0].message.content
    assert deltas[-1].demeanor["cites"] == ["f11", "f18"]
    assert len(deltas) > 5
    turns = api("GET", "/v1/clips/demo/turns", session).json()["data"]
    assert [t["role"] for t in turns] == ["user", "assistant"] * 2
    assert openai.models.list().data[0].id == "prototype"


def test_openai_s_client_reads_our_errors(openai) -> None:
    import openai as package

    with pytest.raises(package.BadRequestError, match="wanted clip_id beside the messages"):
        openai.chat.completions.create(
            model="prototype", messages=[{"role": "user", "content": ASK}]
        )


@pytest.mark.parametrize(
    ("messages", "why"),
    [
        ([{"role": "user", "content": ""}], "the question is empty"),
        ([{"role": "assistant", "content": "x"}], "a message of assistant"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}],
         "found 'image_url'"),
    ],
)  # fmt: skip
def test_what_is_no_question_is_said(api, session, messages, why) -> None:
    sent = {"messages": messages, "clip_id": DEMO}
    answer = api("POST", "/v1/chat/completions", session, json=sent)
    assert answer.status_code == 400
    assert why in answer.json()["error"]["message"]


def test_the_session_may_stand_in_the_body_and_text_in_parts(api, session) -> None:
    parts = [{"type": "text", "text": ASK}]
    sent = {"messages": [{"role": "user", "content": parts}], "clip_id": DEMO, "model": "default",
            "temperature": 0.7, "off": ["f11"]}  # fmt: skip
    assert code_of(api("POST", "/v1/chat/completions", json=sent)) == "no_session"
    told = api("POST", "/v1/chat/completions", json={**sent, "session_id": session}).json()
    assert told["choices"][0]["message"]["demeanor"]["cites"] == ["f18"]


# Who may speak at all -------------------------------------------------------------------------


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9999", ""])
def test_a_foreign_page_is_refused(api, origin) -> None:
    answer = api("POST", "/v1/sessions", headers={"Origin": origin})
    assert (answer.status_code, code_of(answer)) == (403, "foreign_origin")
    assert "access-control-allow-origin" not in answer.headers


def test_our_own_page_is_let_in(api) -> None:
    answer = api("POST", "/v1/sessions", headers={"Origin": PAGE})
    assert answer.status_code == 201
    assert answer.headers["access-control-allow-origin"] == PAGE
    before = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    asked = api("OPTIONS", "/v1/explain", headers=before)
    assert asked.status_code == 204
    assert "X-Demeanor-Session" in asked.headers["access-control-allow-headers"]
    assert api("POST", "/v1/sessions", headers={"Origin": HOST}).status_code == 201


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example"])
def test_a_name_that_points_here_is_not_ours(api, host) -> None:
    """DNS rebinding: a page of evil.example whose name was changed to mean this machine."""
    answer = api("GET", "/v1/models", headers={"Host": host})
    assert (answer.status_code, code_of(answer)) == (403, "foreign_host")


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000"])
def test_names_of_this_machine(api, host) -> None:
    assert api("GET", "/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "told", [None, "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer \xff"]
)
def test_without_the_token_nothing_goes(desk, api, told) -> None:
    api = type(api)(desk, make_app(desk, Access(None, frozenset(), TOKEN)))
    headers = {"Authorization": told.encode("latin-1")} if told else {}
    for method, path in (("GET", "/v1/models"), ("POST", "/v1/sessions"), ("GET", "/metrics"),
                         ("GET", "/openapi.json")):  # fmt: skip
        answer = api(method, path, headers=headers)
        assert (answer.status_code, code_of(answer)) == (401, "wrong_token"), path
        assert answer.headers["www-authenticate"] == "Bearer"


def test_with_the_token_everything_does_and_a_key_is_proof_of_its_own(desk, api) -> None:
    api = type(api)(desk, make_app(desk, Access(None, frozenset(), TOKEN)))
    mine = {"Authorization": f"Bearer {TOKEN}", "Host": "films.example:8000"}
    session = api("POST", "/v1/sessions", headers=mine).json()["session_id"]
    link = api("GET", "/v1/clips/demo", session, headers=mine).json()["media_url"]
    assert api("GET", link).status_code == 200
    assert api("GET", "/health").status_code == 200


def test_every_answer_has_the_headers_that_keep_it_harmless(api, session) -> None:
    link = api("GET", "/v1/clips/demo", session).json()["media_url"]
    for path in ("/health", "/none", "/v1/clips", link, "/openapi.json"):
        headers = api("GET", path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"


def test_a_fault_of_ours_shows_nothing_of_the_inside(api, session, monkeypatch, caplog) -> None:
    def broken(*_) -> None:
        raise ZeroDivisionError("inside")

    monkeypatch.setattr(Desk, "clips", broken)
    answer = api("GET", "/v1/clips", session)
    assert (answer.status_code, code_of(answer)) == (500, "fault")
    assert "inside" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["x-request-id"] in caplog.text  # the log has it, with the trace
    assert "ZeroDivisionError" in caplog.text


def test_what_is_not_there_is_told_in_the_same_form(api) -> None:
    assert api("GET", "/none").status_code == 404
    assert code_of(api("GET", "/none")) == "http"
    assert code_of(api("DELETE", "/v1/sessions")) == "http"
    assert code_of(api("POST", "/v1/sessions", content=b"{")) == "unreadable"


def test_the_description_names_every_route_and_its_errors(api) -> None:
    told = api("GET", "/openapi.json").json()
    assert {"/v1/explain", "/v1/chat/completions", "/v1/clips", "/health"} <= set(told["paths"])
    for path, methods in told["paths"].items():
        for method, one in methods.items():
            assert one["summary"], (path, method)
            assert "422" in one["responses"]
    assert told["components"]["schemas"]["ErrorTold"]


def test_a_small_queue_and_small_limits_are_those_in_force(desk, cache_home) -> None:
    sessions = Sessions(desk.sessions.folder, Limits(upload_bytes=10))
    small = Desk(sessions, desk.chats, desk.front, Queue(places=1))
    assert small.engine.state == State(0, 0, 1)
    assert small.sessions.limits.upload_bytes == 10
