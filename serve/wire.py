"""What goes over the wire, as the OpenAPI description tells it. Answers may grow; questions with
keys that nobody knows are refused, but for OpenAI's, of which clients send many."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from demeanor.serve.corrections import MAX_CHARS, Wanted
from demeanor.serve.desk import Card, Wish
from demeanor.serve.followups import MAX_QUESTION_CHARS
from demeanor.serve.keys import Keys
from demeanor.serve.sessions import Purpose, Session, Turn

_MAX_OFF, _MAX_MESSAGES, _MAX_TEXT = 500, 200, 20_000
_ID = r"^[fvs][0-9]{1,6}$"
ObsId = Annotated[str, Field(pattern=_ID, examples=["f9"])]
PersonName = Annotated[str, Field(pattern=r"^(p[0-9]{1,3}|all)$", examples=["p1"])]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class Asking(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SessionWish(Asking):
    purpose: Purpose = Purpose.RESEARCH


class SessionTold(BaseModel):
    session_id: str
    purpose: Purpose
    cue_only: bool = Field(description="No emotion is inferred in this session.")
    created_s: float = Field(description="Since 1970.")
    expires_s: float = Field(description="Since 1970; put off by each use.")

    @classmethod
    def of(cls, session: Session) -> "SessionTold":
        return cls(
            session_id=session.session_id,
            purpose=session.purpose,
            cue_only=session.purpose.cue_only,
            created_s=session.created_s,
            expires_s=session.expires_s,
        )


class LiveTold(BaseModel):
    page: str = Field(description="Of this session's camera; what follows # is for nobody else.")


class ClipTold(BaseModel):
    clip_id: str = Field(examples=["demo"])
    name: str = Field(description="As it was sent: a stranger's text, to be escaped.")
    n_bytes: int
    duration_s: float = Field(description="0 for a picture.")
    width: int | None = Field(description="Pixels, upright; null without a picture.")
    height: int | None
    fps: float | None
    has_audio: bool
    kind: Literal["video", "picture", "sound"]
    explained: bool
    media_url: str = Field(description="With a key that lives one to two hours.")
    thumbnail_url: str

    @classmethod
    def of(cls, card: Card, keys: Keys) -> "ClipTold":
        key, clip = keys.sign(card.clip_id), card.clip
        place = f"/v1/clips/{card.clip_id}"
        return cls(
            clip_id=card.clip_id,
            name=card.name,
            n_bytes=card.n_bytes,
            duration_s=clip.duration_s,
            width=clip.width_px,
            height=clip.height_px,
            fps=clip.fps,
            has_audio=clip.sample_rate_hz is not None,
            kind=card.kind,  # type: ignore[arg-type]  # stages.kind_of has these three
            explained=card.explained,
            media_url=f"{place}/media?key={key}",
            thumbnail_url=f"{place}/thumbnail?key={key}",
        )


class ClipsTold(BaseModel):
    data: list[ClipTold]


class ExplainWish(Asking):
    clip_id: Annotated[str, Field(max_length=100, examples=["demo"])]
    chat: Name | None = None
    labels: Name = "rafdb7"
    person: PersonName | None = None
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}$")] | None = None
    off: Annotated[list[ObsId], Field(max_length=_MAX_OFF)] = []
    stream: bool = False

    @property
    def wish(self) -> Wish:
        return Wish(self.chat, self.labels, self.person, self.language, tuple(self.off))


class ExplainTold(BaseModel):
    clip_id: str
    result: dict[str, Any] = Field(description="As docs/result.schema.json describes it.")
    notice: str | None = Field(description="What the reader should know, such as cue-only.")


class TrackTold(BaseModel):
    name: str
    code: str
    side: str | None
    what: str | None
    unit: str
    channel: str
    person: str | None
    t_s: list[float]
    values: list[float | None] = Field(description="null: not measured then.")
    reason: str | None = Field(description="Why some of it was not measured.")
    source: str


class TracksTold(BaseModel):
    tracks: list[TrackTold]


class TurnTold(BaseModel):
    role: Literal["user", "assistant"]
    text: str
    cites: list[str]
    said_s: float

    @classmethod
    def of(cls, turn: Turn) -> "TurnTold":
        return cls(
            role=turn.role,  # type: ignore[arg-type]  # written by the desk alone
            text=turn.text,
            cites=list(turn.cites),
            said_s=turn.said_s,
        )


class TurnsTold(BaseModel):
    data: list[TurnTold]


class SuggestionsTold(BaseModel):
    data: list[str]


class CorrectionWish(Asking):
    now: Annotated[str, Field(max_length=MAX_CHARS)]
    was: Annotated[str, Field(max_length=_MAX_TEXT)] | None = None
    note: Annotated[str, Field(max_length=MAX_CHARS)] = ""
    person: PersonName | None = None
    evidence_index: Annotated[int, Field(ge=0, le=10_000)] | None = None
    part: Literal["observations", "interpretation", "conclusion"] | None = None
    label: Name | None = None

    @property
    def wanted(self) -> Wanted:
        return Wanted(**self.model_dump())


class CorrectionTold(BaseModel):
    kind: Literal["claim", "part", "label"]
    person: str | None
    evidence_index: int | None
    part: str | None
    label: str | None
    was: str
    now: str
    note: str
    result_sha256: str
    model: str
    said_s: float


class CorrectionsTold(BaseModel):
    data: list[CorrectionTold]


class TextPart(BaseModel):
    type: str
    text: Annotated[str, Field(max_length=_MAX_TEXT)] | None = None


class ChatMessage(BaseModel):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Annotated[str, Field(max_length=_MAX_TEXT)] | list[TextPart] | None = None


class ChatWish(BaseModel):
    """OpenAI's own form; what we do not use of it (temperature and the like) is passed over."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "model": "prototype",
                    "messages": [{"role": "user", "content": "When does she smile?"}],
                    "clip_id": "demo",
                }
            ]
        },
    )
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=_MAX_MESSAGES)]
    model: Name | None = None
    stream: bool | None = False
    n: Annotated[int, Field(ge=1, le=1)] | None = None
    clip_id: Annotated[str, Field(max_length=100)] | None = None
    session_id: Annotated[str, Field(max_length=100)] | None = None
    off: Annotated[list[ObsId], Field(max_length=_MAX_OFF)] = []
    person: PersonName | None = None

    @property
    def wish(self) -> Wish:
        return Wish(chat=self.model, person=self.person, off=tuple(self.off))


class Cited(BaseModel):
    cites: list[str]
    kind: str


class ReplyMessage(BaseModel):
    role: Literal["assistant"] = "assistant"
    content: str
    demeanor: Cited


class Choice(BaseModel):
    index: int = 0
    message: ReplyMessage
    finish_reason: Literal["stop"] = "stop"


class ChatTold(BaseModel):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]


class ModelTold(BaseModel):
    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "demeanor"
    version: str
    adapter: str | None
    notes: list[str]


class ModelsTold(BaseModel):
    object: Literal["list"] = "list"
    data: list[ModelTold]


class LabelsTold(BaseModel):
    name: str
    labels: list[str]
    source: str


class LabelSetsTold(BaseModel):
    data: list[LabelsTold]


class QueueTold(BaseModel):
    working: int
    waiting: int
    places: int


class LimitsTold(BaseModel):
    upload_bytes: int
    session_bytes: int
    types: list[str]
    duration_s: float
    max_pixels: int
    lasts_s: float
    question_chars: int = MAX_QUESTION_CHARS
    queue: QueueTold


class HealthTold(BaseModel):
    status: Literal["ok"] = "ok"
    version: str
    chat: str


class ErrorInside(BaseModel):
    message: str = Field(description="What was wanted, what was found, what to do.")
    type: str
    code: str
    request_id: str


class ErrorTold(BaseModel):
    error: ErrorInside
