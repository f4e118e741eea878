"""Every API there is, and which of them a path, a head or the first bytes betray."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from streamlab.apis.ag_ui.api import API as AG_UI
from streamlab.apis.ai_sdk.api import API as AI_SDK
from streamlab.apis.anthropic.api import API as ANTHROPIC
from streamlab.apis.assistants.api import API as ASSISTANTS
from streamlab.apis.aws_event_stream.api import API as AWS_EVENT_STREAM
from streamlab.apis.chat.api import API as CHAT
from streamlab.apis.cohere.api import API as COHERE
from streamlab.apis.completions.api import API as COMPLETIONS
from streamlab.apis.coze.api import API as COZE
from streamlab.apis.dashscope.api import API as DASHSCOPE
from streamlab.apis.dify.api import API as DIFY
from streamlab.apis.gemini.api import API as GEMINI
from streamlab.apis.interactions.api import API as INTERACTIONS
from streamlab.apis.json_rpc.api import API as JSON_RPC
from streamlab.apis.ollama.api import API as OLLAMA
from streamlab.apis.other_endpoints.api import API as OTHER_ENDPOINTS
from streamlab.apis.realtime.api import API as REALTIME
from streamlab.apis.responses.api import API as RESPONSES
from streamlab.apis.speech.api import API as SPEECH
from streamlab.apis.tgi.api import API as TGI
from streamlab.apis.transcriptions.api import API as TRANSCRIPTIONS
from streamlab.apis.unknown import API as _UNKNOWN
from streamlab.apis.workers_ai.api import API as WORKERS_AI
from streamlab.exchange import ResponseHead
from streamlab.rules.api import Api

#: Every API, in the order in which a stream is offered to them: those with typed events first.
APIS: tuple[Api, ...] = (
    JSON_RPC,
    REALTIME,
    RESPONSES,
    ANTHROPIC,
    TRANSCRIPTIONS,
    SPEECH,
    COMPLETIONS,
    CHAT,
    GEMINI,
    TGI,
    INTERACTIONS,
    COHERE,
    DASHSCOPE,
    COZE,
    DIFY,
    AG_UI,
    AI_SDK,
    OLLAMA,
    WORKERS_AI,
    ASSISTANTS,
    OTHER_ENDPOINTS,
    AWS_EVENT_STREAM,
)
#: The API of a stream that betrays none, or none yet.
UNKNOWN: Api = _UNKNOWN
#: What a stream is taken for that betrays nothing.
DEFAULT: Api = CHAT

#: Those whose stream headers may announce, and that are no text.
_TOLD_BY_HEAD = tuple(api for api in APIS if type(api).recognises_head is not Api.recognises_head)
_TOLD_BY_BYTES = tuple(api for api in APIS if type(api).recognises_bytes is not Api.recognises_bytes)
_ENDS = sorted(((end, api) for api in APIS for end in api.path_ends), key=lambda one: -len(one[0]))


def api_of_path(url: str) -> Api:
    """The API a URL or bare path names; UNKNOWN when it names none."""
    try:
        path = urlsplit(url).path.rstrip("/")
    except ValueError:
        return UNKNOWN
    for end, api in _ENDS:
        if path.endswith(end):
            return api
    return next((api for api in APIS if api.owns_path(path)), UNKNOWN)


def parted_path(url: str) -> tuple[str, str]:
    """The path of a URL (or a bare path) in two: what a client takes as its base, and the API's own end, both with a
    slash in front or empty. The end is empty where the path names no API by its end."""
    path = urlsplit(url).path.rstrip("/")
    end = next((end for end in api_of_path(path).path_ends if path.endswith(end)), "")
    return (path.removesuffix(end).rstrip("/"), "/" + end.lstrip("/")) if end else (path, "")


def api_of_json(value: Any) -> Api:
    """The API whose stream (or whole answer) this object belongs to; UNKNOWN when it betrays none."""
    if not isinstance(value, dict):
        return UNKNOWN
    return next((api for api in APIS if api.recognises(value)), UNKNOWN)


def api_of_head(head: ResponseHead | None) -> Api:
    """The API whose answer a response's headers announce; UNKNOWN when they announce none."""
    return next((api for api in _TOLD_BY_HEAD if api.recognises_head(head)), UNKNOWN) if head is not None else UNKNOWN


def api_of_bytes(start: bytes) -> Api:
    """The API of a binary body; UNKNOWN when it is of none."""
    return next((api for api in _TOLD_BY_BYTES if api.recognises_bytes(start)), UNKNOWN)


def api_named(name: str) -> Api | None:
    """The API of that name; None when there is none."""
    return next((api for api in (*APIS, UNKNOWN) if api.name == name), None)
