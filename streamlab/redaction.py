"""Takes secrets out of an exchange before anything is written.

What is replaced: the values of authorization, cookie and key-like headers, of key-like query parameters, user info in
URLs, and well-known forms of keys wherever in a header or URL they stand. Pure functions over header tuples and URLs;
the recorder calls them before a byte reaches the disk, the exporter calls them again on the way out. Replacing twice
is replacing once. It is the one exception to "bytes are evidence" (docs/architecture.md, law 1); bodies are evidence
and are left alone.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

from streamlab.exchange import Headers

REDACTED = "REDACTED"

#: Whole names, lower case, that no pattern below would catch.
_SECRET_NAMES = frozenset(
    {"cookie", "set-cookie", "authentication-info", "openai-organization", "openai-project", "cf-access-client-id"}
)
#: Words that betray a secret wherever they stand in a name, written with or without a separator.
_SECRET_WORD = re.compile(
    r"authorization|api[-_.]?key|secret|passw(?:or)?d|credential|private[-_.]?key|access[-_.]?key|subscription[-_.]?key"
    r"|(?:auth|access|refresh|session|bearer|id|security|api|csrf|xsrf)[-_.]?token"
)
#: Words that do so as a part of their own.
_SECRET_PART = re.compile(
    r"(?:^|[-_.])(?:auth|token|key|jwt|session|sessionid|signature|sig|pwd|bearer|hmac)(?:$|[-_.])"
)
#: Names that hold such a word and no secret. A challenge (www-authenticate) says how to log in, not who did.
_HARMLESS = re.compile(
    r"rate-?limit|tokens?[-_](?:limit|remaining|reset|used|usage|count|budget)|(?:max|min|total|num)[-_]?tokens?$"
    r"|^(?:idempotency|sec-websocket|surrogate|cache|x-cache|partition|sort|routing)-key$|-ms$"
    r"|^(?:www|proxy)-authenticate$|token-type$"
)
_CHALLENGES = frozenset({"www-authenticate", "proxy-authenticate"})
#: Names of query parameters that hold secrets there and nowhere else.
_SECRET_PARAMETER = re.compile(r"k|code|apikey|accesstoken|password|pass")
#: Forms of keys that are known by sight: an authorization's scheme, vendors' prefixes, JSON web tokens.
_SECRET_VALUE = re.compile(
    r"\b(?:bearer|basic)\s+[^\s,;]+"
    r"|\b(?:sk|xai|pplx|nvapi|glpat)-[a-z0-9_-]{8,}|\b(?:sk|pk|gsk|hf|ghp|gho|r8|fw|csk|tgp)_[a-z0-9_]{16,}"
    r"|\baiza[a-z0-9_-]{20,}"
    r"|\beyj[a-z0-9_-]{8,}\.[a-z0-9_-]+\.[a-z0-9_-]*",
    re.IGNORECASE,
)
_SCHEMES = frozenset({"bearer", "basic", "digest", "apikey", "token", "negotiate"})


def is_secret_name(name: str) -> bool:
    """Whether a header or query parameter of this name holds a secret."""
    lowered = name.lower()
    if lowered in _SECRET_NAMES:
        return True
    if not (_SECRET_WORD.search(lowered) or _SECRET_PART.search(lowered)):
        return False
    return not _HARMLESS.search(lowered)


def redact_headers(headers: Headers) -> Headers:
    """The same headers with secret values replaced; the scheme word of an authorization (``Bearer``) stays."""
    return tuple((name, _redact_value(name, value)) for name, value in headers)


def _redact_value(name: str, value: str) -> str:
    if name.lower() in _CHALLENGES:
        return value
    if is_secret_name(name):
        scheme, space, rest = value.partition(" ")
        if space and rest and scheme.lower() in _SCHEMES:
            return f"{scheme} {REDACTED}"
        return REDACTED if value else value
    if "://" in value and ("?" in value or "@" in value):
        value = redact_url(value)  # Location, Referer, Link
    return _SECRET_VALUE.sub(REDACTED, value)


def redact_url(url: str) -> str:
    """The same URL or path with user info, the values of key-like parameters and known keys replaced."""
    url = re.sub(r"(?<=//)[^/@?#\s]*@", f"{REDACTED}@", url, count=1)
    rest, hash_, fragment = url.partition("#")
    path, question, query = rest.partition("?")
    return (
        _SECRET_VALUE.sub(REDACTED, path)
        + question
        + _redact_query(query)
        + hash_
        + (_redact_query(fragment) if "=" in fragment else fragment)
    )


def _redact_query(query: str) -> str:
    return "".join(part if part in "&;" else _redact_pair(part) for part in re.split(r"([&;])", query))


def _redact_pair(pair: str) -> str:
    name, equals, value = pair.partition("=")
    if not equals:
        return _SECRET_VALUE.sub(REDACTED, pair)
    plain = unquote_plus(name).lower().strip()
    if value and (_SECRET_PARAMETER.fullmatch(plain) or is_secret_name(plain)):
        return f"{name}={REDACTED}"
    return f"{name}={_SECRET_VALUE.sub(REDACTED, value)}"
