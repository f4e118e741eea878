"""Takes secrets out of an exchange before anything is written.

What is replaced, by default: authorization, cookie and api-key headers, and the values of key-like query parameters.
Pure functions over header tuples and URLs; the recorder calls them before a byte reaches the disk, the exporter calls
them again on the way out. Replacing is the one exception to "bytes are evidence" (docs/architecture.md, law 1).
"""

from __future__ import annotations

import re

from streamlab.exchange import Headers

REDACTED = "REDACTED"

#: Whole header names, lower case.
_SECRET_HEADERS = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "www-authenticate",
        "proxy-authenticate",
        "authentication-info",
        "cookie",
        "set-cookie",
        "api-key",
        "x-api-key",
        "apikey",
        "x-goog-api-key",
        "x-amz-security-token",
        "ocp-apim-subscription-key",
        "cf-access-client-secret",
        "helicone-auth",
        "x-portkey-api-key",
        "openai-organization",
        "openai-project",
    }
)
_SECRET_PART = re.compile(
    r"(?:^|[-_.])(?:api[-_.]?key|auth|authorization|token|secret|password|passwd|credential|credentials"
    r"|session|jwt|signature|sig|access[-_.]?key|private[-_.]?key|subscription[-_.]?key)(?:$|[-_.])",
    re.IGNORECASE,
)
#: Names that hold one of those words and are no secret.
_HARMLESS = re.compile(
    r"ratelimit|rate-limit|tokens?-(?:limit|remaining|reset|used|count)|max[-_]tokens|-ms$", re.IGNORECASE
)
_SECRET_QUERY = re.compile(r"^(?:key|k|api_?key|apikey|access_?token|token|auth|code|sig|signature)$", re.IGNORECASE)
#: Secrets that a server may echo in a header value of any name.
_SECRET_VALUE = re.compile(r"(?:Bearer|Basic)\s+\S+|\bsk-[A-Za-z0-9_-]{8,}", re.IGNORECASE)


def is_secret_name(name: str) -> bool:
    """Whether a header or query parameter of this name holds a secret."""
    lowered = name.lower()
    if lowered in _SECRET_HEADERS:
        return True
    return bool(_SECRET_PART.search(lowered)) and not _HARMLESS.search(lowered)


def redact_headers(headers: Headers) -> Headers:
    """The same headers with secret values replaced; the scheme word of an authorization (``Bearer``) stays."""
    return tuple((name, _redact_value(name, value)) for name, value in headers)


def _redact_value(name: str, value: str) -> str:
    if is_secret_name(name):
        scheme, space, rest = value.partition(" ")
        if space and rest and scheme.lower() in {"bearer", "basic", "digest", "apikey", "token"}:
            return f"{scheme} {REDACTED}"
        return REDACTED
    return _SECRET_VALUE.sub(REDACTED, value)


def redact_url(url: str) -> str:
    """The same URL or path with user info and the values of key-like query parameters replaced."""
    url = re.sub(r"(?<=//)[^/@?#]*@", f"{REDACTED}@", url, count=1)
    path, question, rest = url.partition("?")
    if not question:
        return url
    query, hash_, fragment = rest.partition("#")
    return path + question + "&".join(_redact_pair(pair) for pair in query.split("&")) + hash_ + fragment


def _redact_pair(pair: str) -> str:
    name, equals, value = pair.partition("=")
    if equals and value and (_SECRET_QUERY.match(name) or is_secret_name(name)):
        return f"{name}={REDACTED}"
    return pair
