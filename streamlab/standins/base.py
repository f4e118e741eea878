"""What every stand-in has: a setting, a list of scenarios, and an `answer`."""

from __future__ import annotations

import asyncio
import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, ClassVar

from streamlab.standins.plain_http import HttpRequest, HttpResponse, JsonObject

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class Setting:
    """How a stand-in was started.

    ``gap_ms`` is the time one token takes to generate; every pause is a multiple of it. ``epoch`` (Unix seconds) is
    the only clock a stand-in has, so that ``created`` and ``Date`` are the same in every run.
    """

    version: str
    seed: int = 0
    gap_ms: float = 2.0
    epoch: int = 1_795_000_000
    upstream: str | None = None

    async def generate(self, count: float = 1) -> None:
        """Lets the time pass that ``count`` tokens take."""
        await asyncio.sleep(count * self.gap_ms / 1000)

    @property
    def date(self) -> str:
        return formatdate(self.epoch, usegmt=True)


class Minter:
    """Makes ids that look random and are the same for the same seed and request."""

    def __init__(self, seed: int, request: HttpRequest) -> None:
        self._key = f"{seed}:{request.target}:".encode() + hashlib.sha256(request.body).digest()
        self._made = 0

    def letters(self, length: int) -> str:
        """The next ``length`` letters and digits; any length."""
        made = ""
        while len(made) < length:
            digest = hashlib.sha256(self._key + self._made.to_bytes(4, "big")).digest()
            made += "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest)
            self._made += 1
        return made[:length]

    def hexadecimal(self, length: int) -> str:
        """The next ``length`` lower-case hexadecimal digits, 64 at most."""
        self._made += 1
        return hashlib.sha256(self._key + self._made.to_bytes(4, "big")).hexdigest()[:length]

    def number(self, low: int, high: int) -> int:
        """A number from ``low`` to ``high``, both included."""
        return low + int(self.hexadecimal(8), 16) % (high - low + 1)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One request, and what a stand-in does with it.

    ``rules`` are the rule ids that have to report something about the recorded exchange. ``options`` are what the
    stand-in is to be started with; ``behind`` is the stand-in, with its options, it forwards to. ``blame`` says in a
    few words who is at fault, ``shows`` in one sentence what happens.
    """

    name: str
    shows: str
    blame: str
    body: JsonObject
    rules: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    behind: tuple[str, Mapping[str, Any]] | None = None
    path: str = "/chat/completions"


class StandinServer(ABC):
    """A server that behaves on the wire as one real system. Stateless: a request decides everything."""

    name: ClassVar[str]
    description: ClassVar[str]
    versions: ClassVar[tuple[str, ...]]  # the first is the default
    base_path: ClassVar[str] = "/v1"
    scenarios: ClassVar[tuple[Scenario, ...]] = ()

    def __init__(self, setting: Setting) -> None:
        self.setting = setting

    @abstractmethod
    async def answer(self, request: HttpRequest, response: HttpResponse) -> None:
        """Answers one request, to its end or to where it breaks off."""

    def minter(self, request: HttpRequest) -> Minter:
        return Minter(self.setting.seed, request)


def compact(value: Any) -> str:
    """JSON without spaces, letters as they are: what pydantic and serde write."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def go_json(value: Any) -> str:
    """JSON as Go's encoding/json writes it: ``<``, ``>``, ``&`` and U+2028/2029 escaped."""
    text = compact(value)
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def chat(model: str, prompt: str, **more: Any) -> JsonObject:
    """The body of a streamed chat request with one user message."""
    return {"model": model, "stream": True, "messages": [{"role": "user", "content": prompt}], **more}


#: The tool most scenarios offer.
WEATHER_TOOL: JsonObject = {
    "type": "function",
    "function": {
        "name": "look_up_weather",
        "description": "Current weather of a place",
        "parameters": {
            "type": "object",
            "properties": {"place": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "kelvin"]}},
            "required": ["place", "unit"],
        },
    },
}


def model_and_version(body: JsonObject, versions: tuple[str, ...], default: str) -> tuple[str, str]:
    """The model name to echo and the version to behave as: ``glm-4@ef015f8`` picks one by the request."""
    model, _, picked = body["model"].partition("@")
    return model, picked if picked in versions else default
