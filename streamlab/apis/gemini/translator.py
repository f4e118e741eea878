"""Gemini's ``streamGenerateContent``, as an event stream (``alt=sse``) or as one JSON array that grows."""

from __future__ import annotations

import json
from typing import Any

from streamlab.apis.gemini.answers import answer_in
from streamlab.apis.translator import Events, Translator, call_id
from streamlab.exchange import Ending
from streamlab.wire.events import Done, ErrorPayload
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_list, as_object

_REASONS = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    **dict.fromkeys(
        (
            "SAFETY",
            "RECITATION",
            "LANGUAGE",
            "BLOCKLIST",
            "PROHIBITED_CONTENT",
            "SPII",
            "IMAGE_SAFETY",
            "IMAGE_PROHIBITED_CONTENT",
            "IMAGE_RECITATION",
        ),
        "content_filter",
    ),
}
#: ``enum-encoding=int``.
_NUMBERS = ("", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII")


class GeminiTranslator(Translator):
    """Parts become text, reasoning and tool calls; the last running usage becomes the usage chunk."""

    def __init__(self, body: JsonObject) -> None:
        super().__init__(body)
        self._usage: JsonObject = {}
        self._calls: dict[int, int] = {}
        self._numbers: dict[int, int] = {}  # index of a candidate -> that of its choice: the first is 0
        self._finished: set[int] = set()
        self._failed = False

    def chunk(self, value: JsonObject) -> Events:
        value = answer_in(value).value
        self.name_stream(value, value.get("responseId"), value.get("modelVersion"), value.get("createTime"))
        self._usage = as_object(value.get("usageMetadata")) or self._usage
        candidates = [one for one in as_list(value.get("candidates")) if isinstance(one, dict)]
        for position, candidate in enumerate(candidates):
            index = candidate.get("index")
            yield from self._candidate(candidate, self._number(index if type(index) is int else position))
        blocked = as_object(value.get("promptFeedback")).get("blockReason")
        if blocked and not candidates:
            self._finished.add(0)
            yield self.made({}, 0, "content_filter")

    def _number(self, index: int) -> int:
        """The index of a candidate's choice."""
        if index not in self._numbers:
            taken = {*self._numbers.values()}
            free = index if index > 0 and index not in taken else max(taken, default=-1) + 1
            self._numbers[index] = free if taken else 0
        return self._numbers[index]

    def _candidate(self, candidate: JsonObject, index: int) -> Events:
        for part in as_list(as_object(candidate.get("content")).get("parts")):
            delta = self._delta(as_object(part), index)
            if delta:
                yield self.made(delta, index)
        reason = candidate.get("finishReason")
        if type(reason) is int and 0 <= reason < len(_NUMBERS):
            reason = _NUMBERS[reason]
        if not reason or reason == "FINISH_REASON_UNSPECIFIED":
            return
        known = _REASONS.get(reason) if isinstance(reason, str) else None
        if known is None:
            self._failed = True
            message = candidate.get("finishMessage") or f"the upstream stopped with {reason}"
            yield ErrorPayload(None, {"error": {"message": message, "type": "upstream_error", "code": str(reason)}})
            return
        self._finished.add(index)
        yield self.made({}, index, "tool_calls" if known == "stop" and self._calls.get(index) else known)

    def _delta(self, part: JsonObject, index: int) -> JsonObject:
        text = part.get("text")
        if isinstance(text, str):
            return {"reasoning_content" if part.get("thought") is True else "content": text} if text else {}
        call = part.get("functionCall")
        if isinstance(call, dict):
            return {"tool_calls": [self._call(call, index)]}
        for key in part:
            if key not in ("thought", "thoughtSignature"):
                self.lost[f"a part with {key}"] = None
        return {}

    def _call(self, call: JsonObject, index: int) -> JsonObject:
        number = self._calls.get(index, 0)
        self._calls[index] = number + 1
        given = call.get("id")
        made = given if isinstance(given, str) and given else call_id(self.id, index, number, call.get("name"))
        arguments = json.dumps(call.get("args") or {}, ensure_ascii=False, separators=(",", ":"))
        function = {"name": call.get("name"), "arguments": arguments}
        return {"index": number, "id": made, "type": "function", "function": function}

    def error(self, value: JsonObject) -> Events:
        error = as_object(value["error"])
        self._failed = True
        kind: Any = error.get("status") or "upstream_error"
        yield ErrorPayload(
            None, {"error": {"message": error.get("message"), "type": kind, "param": None, "code": error.get("code")}}
        )

    def finish(self, ending: Ending) -> Events:
        if ending is not Ending.COMPLETE or self._failed or not self._finished:
            return
        usage = self._usage
        if usage:
            thoughts, cached = usage.get("thoughtsTokenCount"), usage.get("cachedContentTokenCount")
            prompt, completion = _counts(usage)
            yield self.usage(
                prompt,
                completion,
                total=usage.get("totalTokenCount"),
                prompt_tokens_details={"cached_tokens": cached} if cached else None,
                completion_tokens_details={"reasoning_tokens": thoughts} if thoughts else None,
            )
        yield Done(None)


def _counts(usage: JsonObject) -> tuple[int, int]:
    """Prompt and completion tokens; one that is left out follows from the total, where that is told."""
    prompt, completion, total = (usage.get(f"{name}TokenCount") for name in ("prompt", "candidates", "total"))
    tools, thoughts = _count(usage.get("toolUsePromptTokenCount")), _count(usage.get("thoughtsTokenCount"))
    if type(total) is int and type(prompt) is not int:
        prompt = max(0, total - tools - thoughts - _count(completion))
    elif type(total) is int and type(completion) is not int:
        completion = max(0, total - tools - thoughts - _count(prompt))
    return _count(prompt) + tools, _count(completion) + thoughts


def _count(value: Any) -> int:
    return value if type(value) is int else 0
