"""Azure OpenAI and Azure AI Foundry: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, Trait, host

DIALECT = Dialect(
    name="azure",
    title="Azure OpenAI and Azure AI Foundry",
    signs=(
        *host("openai.azure.com", "cognitiveservices.azure.com", "services.ai.azure.com", "inference.ai.azure.com"),
        Sign(Kind.HEADER, "apim-request-id", 8),
        Sign(Kind.HEADER, "x-ms-region", 6),
        Sign(Kind.CHUNK_KEY, "prompt_filter_results", 7),
        Sign(Kind.CHOICE_KEY, "content_filter_results", 6),
        Sign(Kind.TRAIT, Trait.EMPTY_ID, 2),
        Sign(Kind.CHUNK_KEY, "latency_checkpoint", 2),
        Sign(Kind.ORDER, "choices,created,id,model", 2),
    ),
    deviations=(
        "choices-empty-non-usage",
        "content-null-placeholder",
        "created-wrong-type",
        "empty-tool-calls-array",
        "finish-reason-key-absent",
        "obfuscation-present",
        "reasoning-field-variants",
        "role-empty-or-null",
        "unknown-extension-fields",
        "usage-inconsistent",
    ),
    reported=(
        "azure-async-filter-tail",
        "choice-delta-missing",
        "chunk-id-missing-or-empty",
        "object-wrong",
        "tool-call-type-missing",
    ),
    evidence="148 streams recorded by others, 148 recognised without the host.",
    outer=True,
)
