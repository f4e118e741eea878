"""A command finds the recorder under every name that clients look for."""

from __future__ import annotations

import pytest

from streamlab.servers.command import base_urls


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://127.0.0.1:9100/v1", "http://127.0.0.1:9100"),
        ("http://127.0.0.1:9100/t/abc/v1", "http://127.0.0.1:9100/t/abc"),
        ("http://127.0.0.1:9100/anthropic", "http://127.0.0.1:9100/anthropic"),
    ],
)
def test_anthropics_clients_add_the_version_themselves(url, origin):
    assert base_urls(url) == {"OPENAI_BASE_URL": url, "OPENAI_API_BASE": url, "ANTHROPIC_BASE_URL": origin}
