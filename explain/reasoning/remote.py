"""A language model behind an OpenAI-compatible address: vLLM, llama.cpp, a hosted service.

Only text is sent: the prompt with the timeline, which quotes what was said. Sound and pictures
never leave the machine. The key comes from OPENAI_API_KEY and is neither stored nor logged.
"""

import os
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from demeanor.explain.errors import ChatError, MissingExtra
from demeanor.explain.reasoning.chat import Request

_NO_KEY = "none"  # servers without keys ignore it, and the client insists on having one
_SAID_CHARS = 300  # of a server's own error message: some answer with a whole page


class RemoteChat:
    """`http://HOST/v1#MODEL`; without #MODEL, the first one that the server offers."""

    version = ""
    languages: frozenset[str] = frozenset()
    structured = True
    reads_prompt = True
    takes_many = True  # at once: its server has a queue of its own

    def __init__(
        self,
        spec: str,
        timeout_s: float = 120.0,
        max_retries: int = 2,
        adapter: str | None = None,  # that the server there is known to have loaded
    ) -> None:
        if find_spec("langchain_openai") is None:
            raise MissingExtra("Asking a model by its address", "langchain_openai", "openai")
        from demeanor.explain.reasoning.chain import openai_reply

        self.address, _, model = spec.partition("#")
        self.adapter = adapter
        self._key = os.environ.get("OPENAI_API_KEY") or _NO_KEY
        self._timeout_s, self._max_retries = timeout_s, max_retries
        self._client = self._made_client()
        self.name = model or self._first_model()
        self._send = openai_reply(self.address, self.name, self._key, timeout_s, max_retries)
        self._takes_schema = True
        self.notes: tuple[str, ...] = (f"asked at {self.address}",)

    def reply(self, request: Request) -> str:
        """The model's text. A server that refuses a schema is asked without one from then on."""
        from openai import OpenAIError

        try:
            return self._held_or_plain(request)
        except OpenAIError as error:
            raise self._told(error) from self._cause(error)
        except (ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
            # What the client raises when a server answers with something else than a completion
            raise ChatError(
                f"{self.address} did not answer like a chat model ({type(error).__name__})."
                " Is it the address of an OpenAI-compatible server, with its /v1?"
            ) from self._cause(error)

    def _held_or_plain(self, request: Request) -> str:
        from openai import BadRequestError, UnprocessableEntityError

        send = self._send if request.say is None else self._aloud
        if not self._takes_schema or request.schema is None:
            return send(request, False)
        try:
            return send(request, True)
        except (BadRequestError, UnprocessableEntityError):
            text = send(request, False)  # refused for another reason? then this fails too
        self._takes_schema = False
        self.notes += ("the server refused a JSON schema; it was asked for plain text",)
        return text

    def _aloud(self, request: Request, held: bool) -> str:
        """All of it, said while it comes. Whoever listens may raise to end the reply."""
        said, pieces = [], self._pieces(streaming_body(self.name, self.address, request, held))
        for piece in filter(None, pieces):
            if request.say is not None:
                request.say(piece)
            said.append(piece)
        return "".join(said)

    def _pieces(self, body: dict[str, Any]) -> Iterator[str]:
        """Read as plain dicts: made into the client's records, and LangChain's, a token takes ten
        times as long, which at many chats at once is what the engine would compute with."""
        from openai import Stream

        with self._client.post(
            "/chat/completions", cast_to=object, body=body, stream=True, stream_cls=Stream[Any]
        ) as chunks:
            for chunk in chunks:
                for choice in chunk["choices"][:1]:
                    yield choice["delta"].get("content") or ""

    def _made_client(self) -> Any:
        from openai import OpenAI

        return OpenAI(
            base_url=self.address,
            api_key=self._key,
            timeout=self._timeout_s,
            max_retries=self._max_retries,
        )

    def _first_model(self) -> str:
        from openai import OpenAIError

        try:
            names = [model.id for model in self._client.models.list().data]
        except OpenAIError as error:
            raise self._told(error) from self._cause(error)
        except (ValueError, TypeError, AttributeError):
            names = []
        if not names:
            raise ChatError(f"{self.address} lists no model. Name one: {self.address}#MODEL")
        return str(names[0])

    def _told(self, error: Exception) -> ChatError:
        from openai import APIConnectionError, APIStatusError, APITimeoutError

        if isinstance(error, APITimeoutError):
            found, remedy = f"no answer within {self._timeout_s:g} s", "Raise reasoning.timeout_s."
        elif isinstance(error, APIConnectionError):
            found, remedy = "it could not be reached", "Is the server running, the address right?"
        elif isinstance(error, APIStatusError):
            found = f"it answered {error.status_code}: {self._clean(error.message)}"
            remedy = _REMEDIES.get(error.status_code, "See the server's own log.")
        else:
            found, remedy = self._clean(str(error)), "See the server's own log."
        return ChatError(f"{self.address}: {found}. {remedy}")

    def _clean(self, text: str) -> str:
        """A server's message, short, and without the key it may repeat."""
        return " ".join(text.replace(self._key, "…").split())[:_SAID_CHARS].rstrip(".")

    def _cause(self, error: Exception) -> Exception | None:
        return None if self._key != _NO_KEY and self._key in str(error) else error


def streaming_body(model: str, address: str, request: Request, held: bool) -> dict[str, Any]:
    """What is sent for a reply that comes in pieces."""
    # OpenAI itself renamed max_tokens; the servers that copy its interface mostly did not.
    most = "max_completion_tokens" if "api.openai.com" in address else "max_tokens"
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": m.role, "content": m.content} for m in request.messages],
        most: request.max_tokens,
        "seed": request.seed,
        "temperature": 0.0,
        "stream": True,
    }
    if held and request.schema is not None:
        form = {"name": "explanation", "schema": request.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    return body


_REMEDIES = {
    400: "Is the timeline longer than the model reads? Lower timeline.max_tokens.",
    401: "Set OPENAI_API_KEY to a key that this server knows.",
    403: "Set OPENAI_API_KEY to a key that may use this model.",
    404: "Is the model's name right (ADDRESS#MODEL), and does the address end in /v1?",
    429: "Too many requests, or no credit left: wait, or ask fewer at a time.",
}
