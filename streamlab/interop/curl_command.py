"""A pasted ``curl`` command line as the request it made; credentials are left out, not stored."""

from __future__ import annotations

import re
import shlex
from urllib.parse import urlsplit

from streamlab.exchange import Request
from streamlab.lazy_pattern import lazy_pattern

#: curl 8's long options that take a value; every other long option is a switch.
_LONG_NAMES = """
    abstract-unix-socket alt-svc aws-sigv4 cacert capath cert cert-type ciphers config connect-timeout connect-to
    continue-at cookie cookie-jar create-file-mode crlfile curves data data-ascii data-binary data-raw
    data-urlencode delegation dns-interface dns-ipv4-addr dns-ipv6-addr dns-servers doh-url dump-header ech egd-file
    engine etag-compare etag-save expect100-timeout form form-string ftp-account ftp-alternative-to-user ftp-method
    ftp-port ftp-ssl-ccc-mode happy-eyeballs-timeout-ms haproxy-clientip header hostpubmd5 hostpubsha256 hsts
    interface ip-tos ipfs-gateway json keepalive-cnt keepalive-time key key-type krb libcurl limit-rate local-port
    login-options mail-auth mail-from mail-rcpt max-filesize max-redirs max-time netrc-file noproxy oauth2-bearer
    output output-dir parallel-max pass pinnedpubkey postquote preproxy prequote proto proto-default proto-redir
    proxy proxy-cacert proxy-capath proxy-cert proxy-cert-type proxy-ciphers proxy-crlfile proxy-header proxy-key
    proxy-key-type proxy-pass proxy-pinnedpubkey proxy-service-name proxy-tls13-ciphers proxy-tlsauthtype
    proxy-tlspassword proxy-tlsuser proxy-user proxy1.0 pubkey quote random-file range rate referer request
    request-target resolve retry retry-delay retry-max-time sasl-authzid service-name socks4 socks4a socks5
    socks5-gssapi-service socks5-hostname speed-limit speed-time stderr telnet-option tftp-blksize time-cond tls-max
    tls13-ciphers tlsauthtype tlspassword tlsuser trace trace-ascii trace-config unix-socket upload-file url
    url-query user user-agent variable vlan-priority write-out
"""
_LONG = frozenset(_LONG_NAMES.split())
#: Short options that take one, with the long name of those that are read.
_SHORT = dict.fromkeys("ACDEFKPQTUYbcehmortuwxyzC", "") | {
    "H": "header", "d": "data", "X": "request", "A": "user-agent", "e": "referer",
}  # fmt: skip
_BODIES = frozenset(("data", "data-ascii", "data-binary", "data-raw", "json"))
#: What stands before the first slash of an address without a scheme: a host, or a variable of the shell.
_HOST = lazy_pattern(
    r"(?:\$\w+|\$?\{{1,2}[\w.-]+\}{1,2}|%\w+%|<[\w.-]+>|localhost|[\w-]+(?:\.[\w-]+)+|\[[\da-fA-F:]+\])(?::\d+)?"
    r"|[\w-]+:\d+"
)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "'": "'", '"': '"', "\\": "\\"}


def request_of(command: str) -> Request | None:
    """The request of a pasted command line; None when it cannot be understood."""
    start = re.search(r"\bcurl(?:\.exe)?\s", command)
    if start is None:
        return None
    text = re.sub(r"[ \t]*[\\^`]\r?\n", " ", command[start.end() :])
    text = re.sub(r"\$'((?:[^'\\]|\\.)*)'", lambda found: shlex.quote(_unescape(found[1])), text)
    try:
        words = shlex.split(text)
    except ValueError:
        return None
    return _Reader().read(words)


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPED.get(found[1], found[0]), text)


class _Reader:
    """Takes options one by one."""

    def __init__(self) -> None:
        self.method: str | None = None
        self.urls: list[str] = []
        self.headers: list[tuple[str, str]] = []
        self.bodies: list[str] = []
        self.get = False

    def read(self, words: list[str]) -> Request | None:
        """The request; None without an address."""
        waiting = iter(words)
        for word in waiting:
            if word in ("|", ">", ">>", "2>&1", "&&", ";"):
                break
            if word.startswith("--"):
                name, _, joined = word[2:].partition("=")
                if name in _LONG:
                    self._take(name, joined if "=" in word else next(waiting, ""))
                self.get |= name == "get"
            elif word.startswith("-") and len(word) > 1:
                self._letters(word[1:], waiting)
            elif _is_url(word):
                self.urls.append(word)
        if not self.urls:
            return None
        body = "&".join(self.bodies).encode("utf-8", "surrogatepass") if self.bodies and not self.get else None
        return Request(self.method or ("GET" if body is None else "POST"), self.urls[0], tuple(self.headers), body)

    def _letters(self, letters: str, waiting: object) -> None:
        for at, letter in enumerate(letters):
            if letter in _SHORT:
                value = letters[at + 1 :] or next(waiting, "")  # type: ignore[call-overload]
                self._take(_SHORT[letter], value)
                return
            self.get |= letter == "G"

    def _take(self, name: str, value: str) -> None:
        """One option's value. What says who somebody is (user, cookie, bearer, certificate) goes no further."""
        if name == "request":
            self.method = value
        elif name == "url":
            self.urls.append(value)
        elif name == "header" and not value.startswith("@"):
            key, _, content = value.partition(":")
            self.headers.append((key.strip(), content.strip()))
        elif name == "user-agent":
            self.headers.append(("User-Agent", value))
        elif name in _BODIES and not (value.startswith("@") and name != "data-raw"):
            self.bodies.append(value)
            if name == "json":
                self.headers.append(("Content-Type", "application/json"))


def _is_url(word: str) -> bool:
    """Whether a word without an option before it is an address: curl needs no scheme, but words of a sentence that
    speaks of curl ("this is what curl gives: …") are none."""
    try:
        if urlsplit(word).netloc:
            return True
    except ValueError:
        return False
    host, slash, _ = word.partition("/")
    return bool(_HOST.fullmatch(host)) and (slash != "" or ":" in host)
