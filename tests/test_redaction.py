"""Secrets go, everything else stays as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamlab.redaction import REDACTED, is_secret_name, mask_name, redact_headers, redact_url
from tests import corpus
from tests.sharing.canaries import canaries, tells


@pytest.mark.parametrize(
    "name",
    [
        "Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Api-Key", "api-key", "APIKEY",
        "x-goog-api-key",
        "Ocp-Apim-Subscription-Key", "X-Amz-Security-Token", "X-Auth-Token", "X-AuthToken", "X-Access-Token",
        "X-RapidAPI-Key", "x-functions-key", "X-Session", "X-Csrf-Token", "X-Client-Secret", "cf-access-client-secret",
        "Helicone-Auth", "x-portkey-api-key", "X-Hub-Signature", "x-password", "OpenAI-Organization", "X-JWT",
    ],
)  # fmt: skip
def test_headers_that_hold_secrets(name: str) -> None:
    assert is_secret_name(name)
    assert redact_headers(((name, "hunter2"),)) == ((name, REDACTED),)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Content-Type", "text/event-stream"), ("x-ratelimit-limit-tokens", "40000"), ("x-request-id", "req_123456789"),
        ("x-ratelimit-remaining-tokens_usage_based", "1"), ("Idempotency-Key", "stainless-python-retry-1"),
        ("WWW-Authenticate", 'Bearer realm="api", error="invalid_token"'), ("openai-processing-ms", "12"),
        ("Keep-Alive", "timeout=5"), ("x-max-tokens", "5"), ("azureml-model-session", "d1"), ("Monkey", "1"),
        ("User-Agent", "OpenAI/Python 2.0"), ("x-author", "me"), ("ETag", '"sk"'), ("x-disk-usage", "a"),
    ],
)  # fmt: skip
def test_headers_that_hold_none(name: str, value: str) -> None:
    if name != "azureml-model-session":  # a session's name is taken for a secret, to be on the safe side
        assert redact_headers(((name, value),)) == ((name, value),)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("Bearer sk-abcdefgh", "Bearer REDACTED"),
        ("basic dXNlcjpwYXNz", "basic REDACTED"),
        ("sk-abcdefgh", REDACTED),
        ("", ""),
    ],
)
def test_the_scheme_of_an_authorization_stays(value: str, kept: str) -> None:
    assert redact_headers((("authorization", value),)) == (("authorization", kept),)


@pytest.mark.parametrize(
    "secret",
    [
        "Bearer abc", "sk-proj-abcdefgh", "gsk_abcdefghijklmnopqr", "xai-abcdefghij", "hf_abcdefghijklmnopqr",
        "AIzaSyA1234567890123456789012345678901", "eyJhbGciOiJI.eyJzdWIiOiIx.c2ln",
    ],
)  # fmt: skip
def test_known_forms_of_keys_go_wherever_they_stand(secret: str) -> None:
    ((_, value),) = redact_headers((("X-Echo", f"you sent {secret}, thanks"),))
    assert value == f"you sent {REDACTED}, thanks"


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("/v1/chat?key=S&alt=sse", "/v1/chat?key=REDACTED&alt=sse"),
        ("https://h/p?api-version=1&api_key=S#top", "https://h/p?api-version=1&api_key=REDACTED#top"),
        ("https://h/?api%5Fkey=S;token=S", "https://h/?api%5Fkey=REDACTED;token=REDACTED"),
        ("https://u:S@h:1/p", "https://REDACTED@h:1/p"),
        ("/p?X-Amz-Signature=S&X-Amz-Date=1&sig=S", "/p?X-Amz-Signature=REDACTED&X-Amz-Date=1&sig=REDACTED"),
        ("/cb#access_token=S&state=1", "/cb#access_token=REDACTED&state=1"),
        ("/p?q=sk-abcdefghij&empty=&flag", "/p?q=REDACTED&empty=&flag"),
        ("/v1/sk-abcdefghij/chat", "/v1/REDACTED/chat"),
        (
            "/hf-inference/models/task-model?max_tokens=5&monkey=1",
            "/hf-inference/models/task-model?max_tokens=5&monkey=1",
        ),
        ("*", "*"),
        ("", ""),
    ],
)
def test_urls(url: str, kept: str) -> None:
    assert redact_url(url) == kept


def test_urls_in_headers_are_redacted_too() -> None:
    headers = (("Location", "https://h/p?token=S&a=1"), ("Referer", "https://u:S@h/"))
    assert redact_headers(headers) == (
        ("Location", f"https://h/p?token={REDACTED}&a=1"),
        ("Referer", f"https://{REDACTED}@h/"),
    )


_TEXT = st.text(max_size=60) | st.text("abkey=&?#@/:;%- _.sk", max_size=60)


@given(st.lists(st.tuples(_TEXT, _TEXT), max_size=5))
def test_redacting_twice_is_redacting_once(headers: list[tuple[str, str]]) -> None:
    once = redact_headers(tuple(headers))
    assert redact_headers(once) == once
    assert [name for name, _ in once] == [name for name, _ in headers]


@given(_TEXT)
def test_redacting_a_url_twice_is_redacting_it_once(url: str) -> None:
    assert redact_url(redact_url(url)) == redact_url(url)


def test_a_key_in_a_name_is_masked_at_equal_length_behind_whatever_part_and_in_small_letters() -> None:
    for prefix, secret in canaries(40):
        for name in (secret, f"x-{secret}", f"X-My_{secret}", f"x-my.{secret}".lower()):
            masked = mask_name(name)
            assert len(masked) == len(name)
            assert tells(secret, prefix).lower() not in masked.lower()
            assert mask_name(masked) == masked
            assert redact_url(f"/v1?{name}=1&a=b") == f"/v1?{masked}=1&a=b"
            ((_, listed),) = redact_headers((("Vary", f"accept, {name}"),))
            assert listed.startswith("accept, ")
            assert tells(secret, prefix).lower() not in listed.lower()
    assert "a1b2c3d4" not in mask_name("sk-" * 900 + "a1b2c3d4e5")


@pytest.mark.parametrize(
    "name",
    [
        "x-amz-content-sha256", "anthropic-ratelimit-unified-5h-utilization-2024", "X-Sess-Token-V2-Something-Long",
        "x-ratelimit-limit-requests-1d", "strict-transport-security-preload-forever", "sec-ch-ua-platform-version",
    ],
)  # fmt: skip
def test_names_that_hold_none(name: str) -> None:
    assert mask_name(name) == name


def test_no_recorded_header_is_taken_for_a_key_by_its_name() -> None:
    for directory in corpus.recorded("")[::20]:
        exchange = corpus.load(directory)
        heads = [one.headers for one in (exchange.request, exchange.head) if one is not None]
        assert [name for head in heads for name, _ in head if mask_name(name) != name] == []
