"""The API's contract over drawn results, without a server: what the page's client is answered.

`Answers` is a transport for httpx. It keeps what it was asked, and refuses what it is told to.
"""

import json
from dataclasses import replace
from typing import Any

import httpx
from drawn_results import explanation, result

from demeanor.explain.records import LabelScore
from demeanor.explain.result import Result
from demeanor.explain.store import SCHEMA_VERSION, to_plain
from demeanor.serve.client import Client

SCRIPT = "<script>alert(1)</script>![x](http://elsewhere.invalid/x.png)"
LIMITS = {
    "upload_bytes": 2_000_000,
    "types": [".mp4", ".wav", ".jpg", ".xyz"],
    "duration_s": 600.0,
    "question_chars": 1000,
}


def as_told(shown: Result) -> dict[str, Any]:
    return {"schema_version": SCHEMA_VERSION, "generator": "drawn", **to_plain(shown)}


def without_smile() -> Result:
    """What the reasoner says where f1 is switched off."""
    told = explanation(
        evidence=(),
        labels=("neutral",),
        best_fit="neutral",
        confidence=0.8,
        alternatives=(LabelScore("happiness", 0.1),),
    )
    return result(explanations=(told,))


class Answers(httpx.BaseTransport):
    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []  # method, path, JSON or parameters
        self.refuse: dict[str, tuple[int, str, str]] = {}  # path: status, code, message
        self.shown = result(SCRIPT)
        self.less = without_smile()
        self.turns: list[dict[str, Any]] = []
        self.corrections: list[dict[str, Any]] = []
        self.names = {"demo": "demo.mp4"}
        self.notice: str | None = None

    def client(self) -> Client:
        return Client("http://127.0.0.1:1", transport=self)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        is_json = request.headers.get("content-type", "") == "application/json"
        told = json.loads(request.read()) if is_json else dict(request.url.params)
        self.asked.append((request.method, path, told))
        if path in self.refuse:
            status, code, message = self.refuse[path]
            return httpx.Response(status, json={"error": {"message": message, "code": code}})
        return self._answer(request.method, path, told)

    def _answer(self, method: str, path: str, told: Any) -> httpx.Response:
        about = path.removeprefix("/v1/clips/").split("/")
        if path == "/v1/sessions":
            begun = {"session_id": "s" * 32, "cue_only": told["purpose"] == "workplace", **told}
            return httpx.Response(201, json=begun)
        if path == "/v1/live":
            return httpx.Response(200, json={"page": "/live#ticket"})
        if path == "/v1/explain":
            return self._explained(told)
        if path == "/v1/chat/completions":
            return self._chat(told)
        if path == "/v1/notice":
            return httpx.Response(200, text=f"# Notice\n{told['purpose']}")
        if path == "/v1/clips" and method == "POST":
            self.names["a" * 64] = SCRIPT
            return httpx.Response(201, json=self._clip("a" * 64))
        if path.startswith("/v1/clips/") and len(about) == 1:
            return httpx.Response(200, json=self._clip(about[0]))
        if path.endswith("/result"):
            return httpx.Response(200, json=as_told(self.shown))
        if path.endswith("/export"):
            return httpx.Response(200, content=f"export as {told['form']}".encode())
        if path.endswith("/corrections") and method == "POST":
            self.corrections.append({"kind": "label", **told})
            return httpx.Response(201, json=self.corrections[-1])
        return httpx.Response(200, json=self._rows(path))

    def _rows(self, path: str) -> dict[str, Any]:
        rows: dict[str, Any] = {
            "limits": LIMITS,
            "models": [{"id": "prototype"}, {"id": "other"}],
            "labels": [{"name": "ekman6", "labels": ["joy"]},
                       {"name": "rafdb7", "labels": ["happiness", "neutral"]}],
            "clips": [self._clip(clip_id) for clip_id in self.names],
            "turns": self.turns,
            "suggestions": ["When is AU12 shown?", "Why happiness?"],
            "corrections": self.corrections,
        }  # fmt: skip
        found = rows[path.rsplit("/", 1)[1]]
        return found if isinstance(found, dict) else {"data": found}

    def _clip(self, clip_id: str) -> dict[str, Any]:
        return {
            "clip_id": clip_id,
            "name": self.names[clip_id],
            "kind": "video",
            "duration_s": 4.0,
            "media_url": f"/v1/clips/{clip_id}/media?key=k",
            "thumbnail_url": f"/v1/clips/{clip_id}/thumbnail?key=k",
        }

    def _explained(self, told: dict[str, Any]) -> httpx.Response:
        shown = replace(self.less if told.get("off") else self.shown)
        data = {"clip_id": told["clip_id"], "result": as_told(shown), "notice": self.notice}
        events = [
            ("stage", {"name": "face", "done": False, "found": "1.0 of 4.0 s"}),
            ("stage", {"name": "face", "done": True, "found": "1 person", "took_s": 0.5}),
            ("text", {"delta": f"Lip corners {SCRIPT}"}),
            ("result", data),
            ("done", {}),
        ]
        lines = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events)
        return httpx.Response(200, text=f": begun\n\n{lines}")

    def _chat(self, told: dict[str, Any]) -> httpx.Response:
        question = told["messages"][-1]["content"]
        answer = f"AU12 is shown from 1.5 to 2.4 s [f1]. {SCRIPT}"
        self.turns += [
            {"role": "user", "text": question, "cites": []},
            {"role": "assistant", "text": answer, "cites": ["f1", "s1"]},
        ]
        message = {"content": answer, "demeanor": {"cites": ["f1", "s1"], "kind": "when"}}
        return httpx.Response(200, json={"choices": [{"message": message}]})
