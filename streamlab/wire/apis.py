"""Which API an exchange speaks: from the path where it is known, else from the first JSON of the stream."""

from __future__ import annotations

from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit


class Api(StrEnum):
    """The APIs streamlab can tell apart. Expectations exist for the first three; the others are foreign protocols."""

    CHAT = "chat.completions"
    COMPLETIONS = "completions"
    RESPONSES = "responses"
    GEMINI = "gemini.generateContent"
    ANTHROPIC = "anthropic.messages"
    OLLAMA = "ollama"
    COHERE = "cohere.chat"
    TGI = "tgi.generate_stream"
    ASSISTANTS = "assistants"
    INTERACTIONS = "google.interactions"
    SPEECH = "audio.speech"
    TRANSCRIPTIONS = "audio.transcriptions"
    UNKNOWN = "unknown"


#: The APIs whose streams OpenAI's written promises cover here.
JUDGED = frozenset({Api.CHAT, Api.COMPLETIONS, Api.RESPONSES})

#: Ends of paths, longest first; what is in front of them (``/v1``, ``/openai/deployments/x``) is the server's affair.
_PATHS = (
    ("chat/completions", Api.CHAT),  # without the slash: a placeholder may stand for what is in front of it
    ("/audio/transcriptions", Api.TRANSCRIPTIONS),
    ("/audio/translations", Api.TRANSCRIPTIONS),
    ("/audio/speech", Api.SPEECH),
    ("/generate_stream", Api.TGI),
    ("/api/generate", Api.OLLAMA),
    ("/interactions", Api.INTERACTIONS),
    ("/completions", Api.COMPLETIONS),
    ("/responses", Api.RESPONSES),
    ("/messages", Api.ANTHROPIC),
    ("/api/chat", Api.OLLAMA),
    ("/v2/chat", Api.COHERE),
)


def api_of_path(url: str) -> Api:
    """The API a URL or bare path names; UNKNOWN when it names none."""
    try:
        path = urlsplit(url).path.rstrip("/")
    except ValueError:
        return Api.UNKNOWN
    for end, api in _PATHS:
        if path.endswith(end):
            return api
    if ":streamGenerateContent" in path or ":generateContent" in path:
        return Api.GEMINI
    if "/threads" in path or "/assistants" in path:
        return Api.ASSISTANTS
    return Api.UNKNOWN


def api_of_json(value: Any) -> Api:
    """The API whose stream (or whole answer) this object belongs to; UNKNOWN when it betrays none."""
    if not isinstance(value, dict):
        return Api.UNKNOWN
    kind = value.get("type")
    if isinstance(kind, str):
        if kind.startswith("response."):
            return Api.RESPONSES
        if kind.startswith(("message_", "content_block_")) or kind == "ping":
            return Api.ANTHROPIC
        if kind.startswith("transcript.text"):
            return Api.TRANSCRIPTIONS
        if kind.startswith("speech.audio"):
            return Api.SPEECH
    return _api_of_shape(value)


def _api_of_shape(value: dict[str, Any]) -> Api:
    choices = value.get("choices")
    if isinstance(choices, list):
        first = choices[0] if choices and isinstance(choices[0], dict) else {}
        if "delta" in first or "message" in first:
            return Api.CHAT
        if value.get("object") == "text_completion" or "text" in first:
            return Api.COMPLETIONS
        return Api.CHAT
    if "candidates" in value or "promptFeedback" in value:
        return Api.GEMINI
    if "token" in value and isinstance(value["token"], dict):
        return Api.TGI
    if isinstance(value.get("event_type"), str):
        return Api.COHERE
    if "done" in value and ("message" in value or "response" in value):
        return Api.OLLAMA
    if isinstance(value.get("object"), str) and value["object"].startswith("thread."):
        return Api.ASSISTANTS
    if value.get("object") in ("chat.completion.chunk", "chat.completion"):
        return Api.CHAT
    return Api.UNKNOWN
