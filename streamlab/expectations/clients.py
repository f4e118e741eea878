"""Which client does what on which deviation: measured, with package and version. Data in client_table.py.

A client that is not named for a rule either went on as if nothing were wrong or was not asked.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import NamedTuple

from streamlab.expectations.client_table import HARMLESS, MEASURED, OBSERVED, REPORTED

#: When the clients with a version were measured.
MEASURED_ON = "2026-11-20"


class Client(NamedTuple):
    """A client as it was measured: the package that reads the stream, and what of it was used.

    ``version`` is "" where it was not written down.
    """

    package: str
    version: str
    what: str

    def __str__(self) -> str:
        return f"{self.what} ({self.package} {self.version})" if self.version else self.what


class Break(NamedTuple):
    """What one client does on a deviation. ``client`` is a key of `CLIENTS`.

    ``harm``: "hangs", "raises", "silent-loss" (says nothing and ends with less) or "wrong" (ends with another answer
    than the one meant). ``measured`` is False for what an issue tracker tells or the client's source shows; ``how``
    then names it in brackets.
    """

    client: str
    how: str
    harm: str
    measured: bool = True

    @property
    def conditions(self) -> tuple[str, ...]:
        """The variants of the deviation on which this happens; () when it does on any."""
        _, _, conditions = self.how.partition(_WHEN)
        return tuple(conditions.split(_OR_WHEN)) if conditions else ()


#: ``how`` ends in ``when CONDITION, or when CONDITION`` where it is not the same for every variant of a deviation.
_WHEN, _OR_WHEN = " when ", ", or when "


CLIENTS: dict[str, Client] = {
    "py-openai-raw": Client("openai", "3.51.0", "openai-python, plain stream"),
    "py-openai-async": Client("openai", "3.51.0", "openai-python, AsyncOpenAI, plain stream"),
    "py-openai-stream": Client("openai", "3.51.0", "openai-python .stream()"),
    "py-openai-v1.35-raw": Client("openai", "1.35.15", "openai-python 1.35, plain stream"),
    "py-openai-v1.109-stream": Client("openai", "1.109.1", "openai-python 1.109 .stream()"),
    "py-langchain": Client("langchain-openai", "1.7.3", "LangChain ChatOpenAI"),
    "py-litellm": Client("litellm", "1.106.2", "LiteLLM completion()"),
    "py-pydantic-ai": Client("pydantic-ai-slim", "2.68.0", "Pydantic AI, Agent"),
    "py-pydantic-ai-direct": Client("pydantic-ai-slim", "2.68.0", "Pydantic AI, model layer"),
    "py-llama-index": Client("llama-index-llms-openai-like", "0.8.1", "LlamaIndex OpenAILike"),
    "py-llm": Client("llm", "0.36", "llm, chat model"),
    "py-hf-hub": Client("huggingface_hub", "2.4.0", "huggingface_hub InferenceClient"),
    "py-openai-agents": Client("openai-agents", "0.24.0", "OpenAI Agents SDK for Python"),
    "py-smolagents": Client("smolagents", "1.26.0", "smolagents OpenAIModel"),
    "py-haystack": Client("haystack-ai", "3.4.0", "Haystack OpenAIChatGenerator"),
    "py-strands": Client("strands-agents", "1.62.0", "Strands OpenAIModel"),
    "py-agno": Client("agno", "3.1.10", "Agno OpenAILike"),
    "py-autogen": Client("autogen-ext", "0.7.5", "AutoGen OpenAIChatCompletionClient"),
    "js-openai-raw": Client("openai", "7.55.0", "openai-node, plain stream"),
    "js-openai-stream": Client("openai", "7.55.0", "openai-node .stream()"),
    "js-openai-v4-raw": Client("openai", "4.104.0", "openai-node 4, plain stream"),
    "js-openai-v4-stream": Client("openai", "4.104.0", "openai-node 4 .stream()"),
    "js-ai-sdk-openai": Client("@ai-sdk/openai", "4.0.118", "AI SDK, openai provider"),
    "js-ai-sdk-compat": Client("@ai-sdk/openai-compatible", "3.0.92", "AI SDK, openai-compatible provider"),
    "js-langchain": Client("@langchain/openai", "1.6.0", "LangChain.js ChatOpenAI"),
    "js-fetch-event-source": Client("@microsoft/fetch-event-source", "2.0.1", "fetch-event-source with chat handlers"),
    "js-eventsource-parser": Client("eventsource-parser", "4.1.3", "eventsource-parser with a plain loop"),
    "js-ai-sdk4-openai": Client("@ai-sdk/openai", "1.3.24", "AI SDK 4, openai provider"),
    "js-ai-sdk4-compat": Client("@ai-sdk/openai-compatible", "0.2.16", "AI SDK 4, openai-compatible provider"),
    "js-hf-inference": Client("@huggingface/inference", "4.13.30", "Hugging Face inference for JS"),
    "js-openai-agents": Client("@openai/agents", "0.20.0", "OpenAI Agents SDK for JS"),
    "js-pi-ai": Client("@mariozechner/pi-ai", "0.73.1", "pi-ai, completions"),
    "rs-baml": Client("baml-py", "0.226.3", "BAML, openai-generic"),
    "rs-tensorzero": Client("tensorzero", "2026.6.0", "TensorZero gateway"),
    # the clients of `OBSERVED`
    "openai-python": Client("openai", "", "openai-python, plain stream"),
    "openai-python-stream": Client("openai", "", "openai-python .stream()"),
    "openai-node": Client("openai", "", "openai-node, plain stream"),
    "openai-node-stream": Client("openai", "", "openai-node .stream()"),
    "ai-sdk-compat": Client("@ai-sdk/openai-compatible", "", "AI SDK, openai-compatible provider"),
    "ai-sdk-openai": Client("@ai-sdk/openai", "", "AI SDK, openai provider"),
    "langchain-py": Client("langchain-openai", "", "LangChain ChatOpenAI"),
    "langchain-js": Client("@langchain/openai", "", "LangChain.js ChatOpenAI"),
    "litellm": Client("litellm", "", "LiteLLM completion()"),
    "pydantic-ai": Client("pydantic-ai-slim", "", "Pydantic AI, Agent"),
    # clients that issue trackers tell of
    "aisix": Client("aisix", "", "AISIX gateway"),
    "async-openai": Client("async-openai", "", "async-openai for Rust"),
    "azure-dotnet": Client("Azure.AI.OpenAI", "", "Azure SDK for .NET"),
    "cc-switch": Client("cc-switch", "", "cc-switch before 3.13"),
    "codex": Client("codex", "", "Codex CLI"),
    "copilotchat-nvim": Client("CopilotChat.nvim", "", "CopilotChat.nvim"),
    "grok-build": Client("grok-build", "", "grok-build"),
    "inference-benchmarker": Client("inference-benchmarker", "", "inference-benchmarker"),
    "langchain4j": Client("langchain4j", "", "LangChain4j"),
    "langchaingo": Client("langchaingo", "", "langchaingo"),
    "llama.cpp-webui": Client("llama.cpp", "", "llama.cpp's web UI behind nginx"),
    "new-api": Client("new-api", "", "new-api"),
    "one-api": Client("one-api", "", "one-api, as a client of its upstream"),
    "open-responses-suite": Client("openresponses", "", "Open Responses test suite"),
    "open-webui": Client("open-webui", "", "Open WebUI"),
    "openai-go": Client("openai-go", "", "openai-go"),
    "openai-java": Client("openai-java", "", "openai-java, accumulator"),
    "openai-kotlin": Client("openai-kotlin", "", "openai-kotlin"),
    "openai4j": Client("openai4j", "", "openai4j"),
    "openclaw": Client("openclaw", "", "OpenClaw"),
    "org-ai": Client("org-ai", "", "org-ai for Emacs"),
    "some-loops": Client("", "", "loops that stop at finish_reason"),
    "spring-ai": Client("spring-ai", "", "Spring AI"),
    "term-llm": Client("term-llm", "", "term-llm"),
    "vllm-bench": Client("vllm", "", "vLLM's bench_serve"),
}

#: Names people use, and the beginnings of client ids they mean.
_ALIASES = {
    "openai-python": ("py-openai-raw", "py-openai-async", "py-openai-stream", "py-openai-v1", "openai-python"),
    "openai-node": ("js-openai-raw", "js-openai-stream", "js-openai-v4", "openai-node"),
    "openai-js": ("js-openai-raw", "js-openai-stream", "js-openai-v4", "openai-node"),
    "openai-agents": ("py-openai-agents", "js-openai-agents"),
    "ai-sdk": ("js-ai-sdk", "ai-sdk"),
    "vercel-ai": ("js-ai-sdk", "ai-sdk"),
    "langchain": ("py-langchain", "js-langchain", "langchain"),
    "langchain-python": ("py-langchain", "langchain-py"),
    "langchain-js": ("js-langchain", "langchain-js"),
    "langchainjs": ("js-langchain", "langchain-js"),
    "huggingface": ("py-hf-hub", "js-hf-inference"),
    "huggingface-hub": ("py-hf-hub",),
}
_LANGUAGES = ("py-", "js-", "rs-")
_HARMS = {
    "waits": "hangs",
    "shows": "hangs",
    "raises": "raises",
    "reports": "raises",
    "stops": "raises",
    "asks": "raises",
    "says": "silent-loss",
}


def client_names() -> tuple[str, ...]:
    """The ids of all clients, sorted."""
    return tuple(sorted(CLIENTS))


def breaks(rule_name: str, variants: Collection[str] = ()) -> tuple[Break, ...]:
    """Who breaks on a rule's deviation, measured clients first; () when nobody does or nobody was asked.

    ``variants`` are those of a finding (`Finding.variants`): only who breaks on one of them is named, and a condition
    that is met in all of them is left out of ``how``. Without them everybody is named, conditions and all.
    """
    found = _table().get(rule_name, ())
    if not variants:
        return found
    return tuple(_met(one, variants) for one in found if not one.conditions or set(one.conditions) & set(variants))


def _met(one: Break, variants: Collection[str]) -> Break:
    """Without its condition, where that goes without saying."""
    return one._replace(how=one.how.partition(_WHEN)[0]) if set(variants) <= set(one.conditions) else one


def is_harmless(rule_name: str) -> bool:
    """Whether the deviation was served to the measured clients and none minded; False when it was not."""
    return rule_name in HARMLESS


def hurts(rule_name: str, client_query: str, variants: Collection[str] = ()) -> bool:
    """Whether a client people call ``client_query`` breaks on the deviation; ``variants`` as for `breaks`.

    A query is an alias ("openai-python", "ai-sdk", "langchain"), or the beginning of a client id, with or without
    its language ("py-litellm", "litellm"), or of a package name ("@ai-sdk/openai"); case and "_" do not matter.
    """
    wanted = clients_called(client_query)
    return any(one.client in wanted for one in breaks(rule_name, variants))


def clients_called(client_query: str) -> tuple[str, ...]:
    """The ids of the clients a query means, sorted; () when it means none. See `hurts`."""
    query = client_query.strip().lower().replace("_", "-").replace(" ", "-")
    if not query:
        return ()
    begins = _ALIASES.get(query)
    if begins is not None:
        return tuple(name for name in client_names() if name.startswith(begins))
    return tuple(
        name
        for name in client_names()
        if name.startswith(query)
        or (name.startswith(_LANGUAGES) and name[3:].startswith(query))
        or CLIENTS[name].package.replace("_", "-").startswith(query)
    )


@cache
def _table() -> dict[str, tuple[Break, ...]]:
    table: dict[str, list[Break]] = {}
    for text in (MEASURED, OBSERVED, REPORTED):
        _read(text, table, measured=text is not REPORTED)
    return {rule: tuple(found) for rule, found in table.items()}


def _read(text: str, table: dict[str, list[Break]], measured: bool) -> None:
    """Rules stand at the margin, who does what below them, two spaces in; six spaces continue a line."""
    found: list[Break] = []
    for line in text.replace("\n      ", " ").splitlines():
        if not line.startswith(" "):
            found = table.setdefault(line, [])
            continue
        how, _, names = line.strip().rpartition(": ")
        harm = _HARMS.get(how.split()[0], "wrong")
        found += [Break(name, how, harm, measured) for name in names.split()]
