"""Amazon Bedrock's OpenAI-compatible endpoint: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, host

DIALECT = Dialect(
    name="aws-bedrock",
    title="Amazon Bedrock's OpenAI-compatible endpoint",
    signs=(
        *host("amazonaws.com", "api.aws"),
        Sign(Kind.CHOICE_KEY, "obfuscation", 9),
        Sign(Kind.MODEL, r"(openai|us\.|eu\.|apac\.|amazon|anthropic|qwen|deepseek)\S*-\d+:\d+", 5),
        Sign(Kind.HEADER, "x-amzn-bedrock-*", 10),
        Sign(Kind.ORDER, "choices,created,id,model,object,service_tier", 3),
    ),
    deviations=(
        "reasoning-field-variants",
        "unknown-extension-fields",
    ),
    evidence="6 streams recorded by others, 6 recognised without the host.",
)
