"""Names that secrets go by: of headers, of parameters in addresses, of members in JSON."""

from __future__ import annotations

import re

from streamlab.lazy_pattern import lazy_pattern

#: What takes the place of a secret in a head.
REDACTED = "REDACTED"
#: Whole names, lower case, that no pattern below would catch.
_SECRET_NAMES = frozenset(
    {
        "cookie", "set-cookie", "authentication-info", "openai-organization", "openai-project", "cf-access-client-id",
        "dpop", "x-portkey-config", "x-amz-cf-id-token", "assertion", "client_assertion", "client-assertion", "ticket",
        "otp", "totp", "x-otp", "passcode", "x-passcode", "saml_response", "samlresponse", "x-forwarded-client-cert",
    }
)  # fmt: skip
#: Words that betray a secret wherever they stand in a name, written with or without a separator.
_SECRET_WORD = lazy_pattern(
    r"authorization|api[-_.]?key|secret|passw(?:or)?d|passphrase|credential|private[-_.]?key|access[-_.]?key"
    r"|subscription[-_.]?key|virtual[-_.]?key|(?:auth|access|refresh|session|bearer|id|security|api|csrf|xsrf)[-_.]?token"
)
#: Words that do so as a part of their own.
_SECRET_PART = lazy_pattern(
    r"(?:^|[-_.])(?:auth|token|key|jwt|session|sessionid|signature|sig|pwd|bearer|hmac|otp|assertion|ticket|dpop)"
    r"(?:$|[-_.])"
)
#: Names that hold such a part and no secret. A challenge (www-authenticate) says how to log in, not who did.
_HARMLESS = lazy_pattern(
    r"rate-?limit|tokens?[-_](?:limit|remaining|reset|used|usage|count|budget)|(?:max|min|total|num)[-_]?tokens?$"
    r"|^(?:idempotency|sec-websocket|surrogate|cache|x-cache|partition|sort|routing)-key$|-ms$"
    r"|^(?:www|proxy)-authenticate$|token-type$"
)
#: What such a name holds where it says how much or how long: a number, perhaps with its unit.
_QUANTITY = lazy_pattern(r"[\d.,:smhd\s-]{0,24}|true|false|none|null", re.IGNORECASE)
#: Names of query parameters that hold secrets there and nowhere else.
_SECRET_PARAMETER = lazy_pattern(r"k|code|apikey|accesstoken|password|pass")
#: Members of a request's JSON whose text is a secret whatever it looks like.
_SECRET_MEMBER = lazy_pattern(
    r"(?:x[-_])?(?:\w{0,30}[-_])?(?:api[-_]?key|authorization|client[-_]?secret|secret[-_]?(?:access[-_]?)?key|secret"
    r"|passw(?:or)?d|passphrase|private[-_]?key|(?:access|auth|refresh|bearer|session|security|id)[-_]?token|credentials?"
    r"|subscription[-_]?key|virtual[-_]?key|cookie|otp|passcode|client[-_]?assertion)"
)


def is_secret_name(name: str, value: str | None = None) -> bool:
    """Whether a header or query parameter of this name holds a secret; ``value`` tells a limit's number from one."""
    lowered = name.lower()
    if lowered in _SECRET_NAMES:
        return True
    word = _SECRET_WORD.search(lowered) is not None
    if not (word or _SECRET_PART.search(lowered)):
        return False
    if not _HARMLESS.search(lowered):
        return True
    return word and value is not None and _QUANTITY.fullmatch(value) is None


def is_secret_parameter(name: str) -> bool:
    """Whether a parameter of a query holds a secret."""
    lowered = name.lower().strip()
    return _SECRET_PARAMETER.fullmatch(lowered) is not None or is_secret_name(lowered)


def is_secret_member(name: str) -> bool:
    """Whether a text of this name in a request's JSON is a secret whatever it looks like."""
    return len(name) < 80 and _SECRET_MEMBER.fullmatch(name.lower()) is not None
