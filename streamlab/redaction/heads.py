"""Takes secrets out of heads: header values and addresses.

What is replaced: the values of authorization, cookie and key-like headers, of key-like query parameters, user info in
URLs, and well-known forms of keys wherever in a header or URL they stand, in JSON that a header holds and in a URL
within a URL too; in names keys are masked at equal length. The recorder calls this before a byte reaches the disk, the
exporter calls it again on the way out.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote, unquote, unquote_plus

from streamlab.exchange import Headers
from streamlab.lazy_pattern import lazy_pattern
from streamlab.redaction.detectors import find_secrets
from streamlab.redaction.masked_names import mask_name
from streamlab.redaction.names import REDACTED, is_secret_member, is_secret_name, is_secret_parameter

_CHALLENGES = frozenset({"www-authenticate", "proxy-authenticate"})
#: Headers that list names of headers.
_LISTS_OF_NAMES = frozenset(
    {
        "connection", "trailer", "vary", "access-control-allow-headers", "access-control-expose-headers",
        "access-control-request-headers",
    }
)  # fmt: skip
#: Forms of keys that count in a head even where they are short: an authorization's scheme, vendors' prefixes, JSON web
#: tokens, and what clients put into a WebSocket's list of protocols.
_SECRET_VALUE = lazy_pattern(
    r"\b(?:bearer|basic|dpop)\s+[^\s,;]+"
    r"|(?<=openai-insecure-api-key\.)[^\s,;]+|(?<=base64url\.bearer\.authorization\.k8s\.io\.)[^\s,;]+"
    r"|\b(?:sk|xai|pplx|nvapi|glpat|sess|xox[abeprs]|xapp)-[a-z0-9_-]{8,}"
    r"|\b(?:sk|pk|gsk|hf|ghp|gho|ghu|ghs|ghr|github_pat|r8|fw|csk|tgp|ek|npm)_[a-z0-9_]{16,}"
    r"|\bya29\.[a-z0-9_.-]{8,}|\b(?:AKIA|ASIA)[A-Z0-9]{12,}"
    r"|\baiza[a-z0-9_-]{20,}"
    r"|\beyj[a-z0-9_-]{8,}\.[a-z0-9_-]+\.[a-z0-9_-]*",
    re.IGNORECASE,
)
_SCHEMES = frozenset({"bearer", "basic", "digest", "apikey", "token", "negotiate", "dpop"})
#: Shorter texts hold no key.
_SHORTEST = 8
#: How deep a URL may lie in URLs.
_DEEPEST = 3


def redact_headers(headers: Headers) -> Headers:
    """The same headers with secret values replaced; the scheme word of an authorization (``Bearer``) stays."""
    return tuple((mask_name(name), _redact_value(name, value)) for name, value in headers)


def redact_line(text: str) -> str:
    """A line of a head that is none of its headers, with known keys replaced."""
    if len(text) < _SHORTEST:
        return text
    return _without_known_forms(_SECRET_VALUE.sub(REDACTED, text))


def _without_known_forms(text: str) -> str:
    for one in reversed(find_secrets(text)):
        text = text[: one.start] + REDACTED + text[one.stop :]
    return text


def _redact_value(name: str, value: str) -> str:
    if name.lower() in _CHALLENGES:  # how to log in is no secret, but some say there what was wrong with the key
        return _without_known_forms(value)
    if is_secret_name(name, value):
        scheme, space, rest = value.partition(" ")
        if space and rest and scheme.lower() in _SCHEMES:
            return f"{scheme} {REDACTED}"
        return REDACTED if value else value
    if value[:1] in ("{", "[") and (held := _redact_json(value)) is not None:
        return held
    if "://" in value and ("?" in value or "@" in value):
        value = redact_url(value)  # Location, Referer, Link
    if name.lower() in _LISTS_OF_NAMES:
        value = re.sub(r"[^\s,]+", lambda one: mask_name(one[0]), value)
    return redact_line(value)


def _redact_json(value: str) -> str | None:
    """JSON in a header without its secret members; None where it is no JSON, or holds none."""
    try:
        held = json.loads(value)
    except (ValueError, RecursionError):
        return None
    cleaned = _cleaned(held)
    return None if cleaned == held else json.dumps(cleaned, separators=(",", ":"))


def _cleaned(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            mask_name(key): REDACTED if isinstance(one, str) and one and is_secret_member(key) else _cleaned(one)
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [_cleaned(one) for one in value]
    return redact_line(value) if isinstance(value, str) else value


def redact_url(url: str, depth: int = 0) -> str:
    """The same URL or path with user info, the values of key-like parameters and known keys replaced."""
    url = re.sub(r"(?<=//)[^/@?#\s]*@", f"{REDACTED}@", url, count=1)
    rest, hash_, fragment = url.partition("#")
    path, question, query = rest.partition("?")
    return (
        redact_line(path)
        + question
        + _redact_query(query, depth)
        + hash_
        + (_redact_query(fragment, depth) if "=" in fragment else redact_line(fragment))
    )


def _redact_query(query: str, depth: int) -> str:
    return "".join(part if part in "&;" else _redact_pair(part, depth) for part in re.split(r"([&;])", query))


def _redact_pair(pair: str, depth: int) -> str:
    name, equals, value = pair.partition("=")
    if not equals:
        return redact_line(pair)
    secret = value and is_secret_parameter(unquote_plus(name))
    name = mask_name(name)
    if secret:
        return f"{name}={REDACTED}"
    return f"{name}={_redact_parameter(value, depth)}"


def _redact_parameter(value: str, depth: int) -> str:
    """A parameter's value, which may be a URL itself, coded or not."""
    if "%" in value and depth < _DEEPEST:
        plain = unquote(value)
        cleaned = redact_url(plain, depth + 1) if "://" in plain or "=" in plain else redact_line(plain)
        if cleaned != plain:
            return quote(cleaned, safe="")
    elif "://" in value and depth < _DEEPEST:
        return redact_url(value, depth + 1)
    return redact_line(value)
