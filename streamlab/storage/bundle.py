"""A bundle: exchanges with all that belongs to them in one file, to be handed over (``FILE.slab``, docs/bundle.md).

It is a zip. ``manifest.json`` comes first and names every other part with its length and SHA-256; of each exchange
there are ``N/exchange.json`` and ``N/body.sse``, as in an exchange directory, and ``N/findings.json``, what
`streamlab check` said of it. Nothing of it is ever unpacked to disk; what the manifest does not name, names twice, or
names wrongly makes the whole unreadable. The same exchanges give the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from streamlab.errors import UnreadableInputError
from streamlab.exchange import Exchange
from streamlab.lazy_pattern import lazy_pattern
from streamlab.storage.exchange_dir import exchange_json, exchange_of
from streamlab.storage.files import read_regular

FORMAT = "streamlab.bundle/1"
_MANIFEST = "manifest.json"
_META, _BODY, _FINDINGS = "exchange.json", "body.sse", "findings.json"
_PART = lazy_pattern(r"([1-9][0-9]{0,5})/(exchange\.json|body\.sse|findings\.json)")
#: The earliest moment a zip can say; none of ours says when it was made.
_NO_DATE = (1980, 1, 1, 0, 0, 0)
_MAX_MANIFEST = 16 * 1024 * 1024
_MAX_PARTS = 300_000


@dataclass(frozen=True, slots=True)
class Bundled:
    """What goes into a bundle of one exchange: it, and its findings as JSON."""

    exchange: Exchange
    findings: dict[str, Any] = field(default_factory=dict)


# -- writing -------------------------------------------------------------------------------------------------------


def bundle(exchanges: Iterable[Bundled], about: Mapping[str, Any]) -> bytes:
    """The bytes of a bundle; ``about`` goes into its manifest."""
    parts: dict[str, bytes] = {}
    count = 0
    for count, one in enumerate(exchanges, 1):
        parts[f"{count}/{_META}"] = exchange_json(one.exchange)
        parts[f"{count}/{_BODY}"] = one.exchange.body
        parts[f"{count}/{_FINDINGS}"] = _json(one.findings)
    manifest = {
        "format": FORMAT,
        **about,
        "exchanges": count,
        "parts": {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in parts.items()
        },
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in ((_MANIFEST, _json(manifest)), *parts.items()):
            info = zipfile.ZipInfo(name, _NO_DATE)
            info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
            archive.writestr(info, data, compresslevel=9)
    return made.getvalue()


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=True).encode() + b"\n"


# -- reading -------------------------------------------------------------------------------------------------------


def verify_bundle(path: str, largest: int) -> int:
    """How many exchanges are in it, after every part was held against the manifest. Raises UnreadableInputError."""
    opened = _Opened(path, largest)
    for name in opened.parts:
        opened.part(name)
    return opened.count


def read_bundled(path: str, number: int, largest: int) -> Exchange:
    """One of its exchanges. Raises UnreadableInputError."""
    opened = _Opened(path, largest)
    if not 1 <= number <= opened.count:
        opened.fail(f"holds no exchange {number}")
    return exchange_of(f"{path}: {number}/{_META}", opened.part(f"{number}/{_META}"), opened.part(f"{number}/{_BODY}"))


def manifest_of(path: str, largest: int) -> dict[str, Any]:
    """Its manifest. Raises UnreadableInputError."""
    return _Opened(path, largest).manifest


class _Opened:
    """A bundle's bytes, its manifest checked; parts are unpacked in memory when asked for."""

    count: int

    def __init__(self, path: str, largest: int) -> None:
        self._path, self._largest = path, largest
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(read_regular(path, largest)))
            listed = self._zip.infolist()
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, RuntimeError) as error:
            self.fail(f"no bundle, or a damaged one ({_one_line(error)})")
        self._infos = {info.filename: info for info in listed}
        if _MANIFEST not in self._infos:
            self.fail("a zip, but no bundle of streamlab's (no manifest.json)")
        if len(self._infos) != len(listed) or len(listed) > _MAX_PARTS:
            self.fail("a part is there twice, or there are too many")
        self.manifest = self._read_manifest()
        self.parts = self._check_parts()
        self.count = self.manifest["exchanges"]

    def fail(self, reason: str) -> NoReturn:
        raise UnreadableInputError(f"{self._path}: {reason}")

    def _read_manifest(self) -> dict[str, Any]:
        raw = self._unpack(_MANIFEST, min(self._largest, _MAX_MANIFEST))
        try:
            found = json.loads(raw)
        except (ValueError, RecursionError) as error:
            self.fail(f"its manifest is not JSON: {_one_line(error)}")
        if not isinstance(found, dict) or not str(found.get("format")).startswith("streamlab.bundle/"):
            self.fail("a zip, but no bundle of streamlab's (its manifest has no such format)")
        if found["format"] != FORMAT:
            self.fail(f"a bundle of a newer streamlab ({str(found['format'])[:40]}); upgrade")
        return found

    def _check_parts(self) -> dict[str, dict[str, Any]]:
        parts, count = self.manifest.get("parts"), self.manifest.get("exchanges")
        if not isinstance(parts, dict) or not isinstance(count, int) or isinstance(count, bool) or count < 1:
            self.fail("its manifest names no exchanges")
        wanted = {f"{number}/{name}" for number in range(1, min(count, _MAX_PARTS) + 1) for name in (_META, _BODY)}
        if not wanted <= set(parts) or set(self._infos) != {*parts, _MANIFEST}:
            self.fail("its parts are not those that its manifest names")
        total = 0
        for name, told in parts.items():
            size = told.get("bytes") if isinstance(told, dict) else None
            if _PART.fullmatch(name) is None or not isinstance(size, int) or size < 0:
                self.fail("its manifest names a part that a bundle does not have")
            if size != self._infos[name].file_size:
                self.fail(f"{name} is not as long as its manifest says")
            total += size
        if total > self._largest:
            self.fail(f"unpacked larger than {self._largest} bytes; --max-input raises the limit")
        return parts

    def part(self, name: str) -> bytes:
        """A part, which is what the manifest says it is."""
        told = self.parts[name]
        data = self._unpack(name, int(told["bytes"]))
        if len(data) != told["bytes"] or hashlib.sha256(data).hexdigest() != told.get("sha256"):
            self.fail(f"{name} is not what its manifest says (SHA-256)")
        return data

    def _unpack(self, name: str, largest: int) -> bytes:
        info = self._infos[name]
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
            self.fail(f"{name} is packed in a way that a bundle is not")
        try:
            with self._zip.open(info) as file:
                data = file.read(largest + 1)
        except (
            zipfile.BadZipFile,
            zlib.error,
            OSError,
            EOFError,
            ValueError,
            NotImplementedError,
            RuntimeError,
        ) as error:
            self.fail(f"{name} is damaged ({_one_line(error)})")
        if len(data) > largest:
            self.fail(f"{name} is longer than it may be")
        return data


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
