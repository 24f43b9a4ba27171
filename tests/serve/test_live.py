"""The camera's socket without a browser: frames of the demo clip in, what they show out."""

import json
import struct

import cv2
import numpy as np
import pytest
from serve_address import HOST, PAGE
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from demeanor.explain.demo import demo_clip
from demeanor.explain.perception.media import Frame, Losses, open_clip, read
from demeanor.explain.perception.models import any_backend
from demeanor.explain.settings import load_settings
from demeanor.serve import camera
from demeanor.serve.api import make_app
from demeanor.serve.camera import Streams
from demeanor.serve.guard import Access

SOCKET = f"{HOST.replace('http', 'ws')}/v1/live"
TOKEN = "a-token-of-the-test"  # noqa: S105


def message(time_s: float, picture: np.ndarray) -> bytes:
    jpeg = cv2.imencode(".jpg", picture[..., ::-1])[1].tobytes()
    return struct.pack(">d", time_s) + jpeg


@pytest.fixture(scope="session")
def smile() -> list[tuple[float, bytes]]:
    """Of the demo clip from 5 s, eight frames a second: at rest until 5.8, AU12 4.5 at 7.2."""
    settings = load_settings()
    clip = open_clip(demo_clip(), settings.media)
    frames = [f for f in read(clip, settings.media, Losses()) if isinstance(f, Frame)]
    return [(f.time_s, message(f.time_s, f.picture.rgb)) for f in frames[125:186:3]]


@pytest.fixture(scope="module")
def streams() -> Streams:
    """The models are loaded once; streams of one test follow each other."""
    backend = any_backend("mesh")
    return Streams(lambda: backend, load_settings())


@pytest.fixture
def client(desk, streams) -> TestClient:
    app = make_app(desk, Access(origins=frozenset((PAGE,))), streams=streams)
    return TestClient(app, base_url=HOST)


def opened(client, session: str, **more):
    """The socket, as the page opens it."""
    link = client.post("/v1/live", headers={"X-Demeanor-Session": session}).json()["page"]
    return socket(client, link.partition("#")[2], **more)


def socket(client, ticket: str, **more):
    return client.websocket_connect(
        SOCKET, subprotocols=["demeanor.live", f"ticket.{ticket}"], **more
    )


def heard(stream, *kinds: str) -> dict:
    """The next message of one of these kinds."""
    while (told := stream.receive_json())["type"] not in kinds:
        pass
    return told


def faces(stream, smile) -> dict[float, dict]:
    """Each frame sent once the one before it was answered: none is left out."""
    found = {}
    for time_s, frame in smile:
        stream.send_bytes(frame)
        found[round(time_s, 2)] = heard(stream, "face")
    return found


def level(face: dict, code: str) -> float:
    (value,) = [unit["intensity"] for unit in face["units"] if unit["code"] == code]
    return value


# Seen, and explained --------------------------------------------------------------------------


def test_a_smile_rises_and_the_last_seconds_are_explained_as_a_clip(
    client, desk, research, smile
) -> None:
    with opened(client, research) as stream:
        assert stream.accepted_subprotocol == "demeanor.live"
        assert heard(stream, "ready")["cue_only"] is False
        found = faces(stream, smile)
        assert desk.clips(research)[1:] == ()  # nothing was kept before it was asked for
        assert list((desk.sessions.folder / "uploads").iterdir()) == []
        stream.send_text('{"type": "explain", "seconds": 2}')
        told = heard(stream, "explained", "error")
    assert level(found[7.16], "AU12") - level(found[5.6], "AU12") > 2.0
    last = found[7.16]
    assert (last["seen"], last["people"], last["left_out"]) == (True, 1, 0)
    (unit,) = [unit for unit in last["units"] if unit["code"] == "AU12"]
    assert unit["letter"] in set("BCDE")
    assert unit["name"] == "lip corner puller"
    assert set(last["pose_deg"]) == {"yaw", "pitch", "roll"}
    assert told["explanations"][0]["conclusion"]
    card = desk.clip(research, told["clip_id"])
    assert card.name.startswith("camera ")
    assert card.clip.duration_s == pytest.approx(2.0, abs=0.3)
    assert any(o.code == "AU12" for o in desk.result(research, card.clip_id).result.observations)
    asked = desk.answer(research, card.clip_id, "When does the person smile?")
    assert asked.cites


def test_where_cues_alone_are_allowed_nothing_is_explained(client, desk, workplace, smile) -> None:
    with opened(client, workplace) as stream:
        assert heard(stream, "ready")["cue_only"] is True
        faces(stream, smile[-9:])
        stream.send_text('{"type": "explain", "seconds": 1}')
        told = heard(stream, "explained", "error")
    assert told["explanations"] == []
    assert "prohibited" in told["notice"] or "cues" in told["notice"].lower()
    assert len(desk.clips(workplace)) == 2


# What is refused ------------------------------------------------------------------------------


def closed(client, ticket: str, **more) -> int:
    with pytest.raises(WebSocketDisconnect) as refused, socket(client, ticket, **more):
        pass
    return refused.value.code


def test_without_a_ticket_of_a_session_nobody_streams(client, desk, research, streams) -> None:
    assert closed(client, "of-nobody") == 1008
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(SOCKET):
        pass
    ticket = streams.ticket(research)
    desk.sessions.end_expired(now_s=4e9)
    assert closed(client, ticket) == 1008
    assert client.post("/v1/live").json()["error"]["code"] == "no_session"
    gone = client.post("/v1/live", headers={"X-Demeanor-Session": research})
    assert gone.json()["error"]["code"] == "session_gone"


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://elsewhere.example"}, {"Origin": "null"}, {"Host": "elsewhere.example"}],
)
def test_a_page_of_others_gets_no_socket(client, research, streams, headers) -> None:
    assert closed(client, streams.ticket(research), headers=headers) == 1008


def test_a_ticket_needs_the_token_and_the_page_does_not(desk, research, streams) -> None:
    client = TestClient(make_app(desk, Access(token=TOKEN), streams=streams), base_url=HOST)
    session = {"X-Demeanor-Session": research}
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        assert client.post("/v1/live", headers={**session, **headers}).status_code == 401
    allowed = {**session, "Authorization": f"Bearer {TOKEN}"}
    assert client.post("/v1/live", headers=allowed).json()["page"].startswith("/live#")
    assert client.get("/live").status_code == 200
    assert closed(client, TOKEN) == 1008


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"", "without its time"),
        (struct.pack(">d", 1.0) + b"GIF89a" * 20, "wanted a JPEG"),
        (struct.pack(">d", float("nan")) + b"\xff\xd8", "no number of seconds"),
        (struct.pack(">d", 1.0) + bytes(camera.FRAME_BYTES), "at most 500000"),
        (message(1.0, np.zeros((1000, 1000, 3), np.uint8)), "1000 x 1000 pixels"),
        ("no JSON", "cannot be read"),
        ('{"type": "other"}', "cannot be read"),
        ('"' + "x" * 3000 + '"', "cannot be read"),
    ],
)
def test_what_is_no_frame_ends_the_stream_and_is_said(client, research, sent, why) -> None:
    with opened(client, research) as stream:
        (stream.send_text if isinstance(sent, str) else stream.send_bytes)(sent)
        assert why in heard(stream, "error")["message"]
        with pytest.raises(WebSocketDisconnect) as ended:
            heard(stream)
    assert ended.value.code == 1007
    with opened(client, research) as again:  # its place is free again
        assert heard(again, "ready")


def test_a_session_has_one_stream(client, research) -> None:
    with opened(client, research) as first:
        heard(first, "ready")
        with opened(client, research) as second:
            assert "already" in heard(second, "error")["message"]
            with pytest.raises(WebSocketDisconnect) as ended:
                heard(second)
    assert ended.value.code == 1013


@pytest.mark.parametrize("seconds", ["10", None, True, 0, 31, 1e400])
def test_a_wish_that_cannot_be_met_is_told_and_the_stream_goes_on(
    client, research, smile, seconds
) -> None:
    with opened(client, research) as stream:
        stream.send_text(json.dumps({"type": "explain", "seconds": seconds}))
        assert "wanted" in heard(stream, "error")["message"]
        stream.send_text('{"type": "explain"}')
        assert "no frames" in heard(stream, "error")["message"]
        stream.send_bytes(smile[0][1])
        assert heard(stream, "face")["seen"] is True


# The page -------------------------------------------------------------------------------------


def test_the_page_may_use_the_camera_and_load_from_nobody(client) -> None:
    page = client.get("/live")
    assert "camera=(self), microphone=()" in page.headers["permissions-policy"]
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'")
    assert "sandbox" not in policy
    assert "does not say what anybody feels" in page.text
    assert "http" not in page.text
    for kind in ("js", "css"):
        assert client.get(f"/live/live.{kind}").status_code == 200
    assert client.get("/live/live.html").status_code == 404
    assert "innerHTML" not in client.get("/live/live.js").text


def test_without_the_option_there_is_no_camera(api) -> None:
    assert api("GET", "/live").status_code == 404
    assert api("POST", "/v1/live").status_code == 404
