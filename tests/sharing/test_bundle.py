"""A bundle is a TARGET, the same each time, and nothing that pretends to be one does harm."""

from __future__ import annotations

import io
import json
import random
import zipfile

import pytest

from streamlab.cli import main
from streamlab.errors import NotFoundError, UnreadableInputError
from streamlab.storage.bundle import bundle, manifest_of, read_bundled, verify_bundle
from streamlab.storage.exchange_dir import read_exchange_dir
from streamlab.storage.targets import find
from streamlab.workflows.bundling import write_bundle
from streamlab.workflows.share import masking_of
from tests import streams
from tests.corpus import CORPUS

LARGEST = 1 << 26
NEWLINE = CORPUS / "seed-systems" / "glm4-abe93e0-newline-notools"
KEY = "sk-proj-q7AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"


@pytest.fixture(scope="module")
def slab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slab")
    body = folder / "x.sse"
    body.write_bytes(streams.sse(streams.chat_text("the key ", KEY[:12], KEY[12:])))
    made = folder / "bug.slab"
    write_bundle([str(NEWLINE), str(body)], made, masking_of())
    return made


def run(*arguments) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in arguments])
    return int(ended.value.code or 0)


def test_it_is_a_target_everywhere(slab, capsys, tmp_path) -> None:
    assert [one.source for one in find(str(slab))] == [f"{slab}#1", f"{slab}#2"]
    assert run("check", slab) == 1
    assert f"{slab}#1" in capsys.readouterr().out
    assert run("show", f"{slab}#2") == 0
    assert run("import", slab, "--db", tmp_path / "x.db") == 0
    assert run("check", tmp_path / "x.db#2", "--fail-on", "never") == 0
    assert run("export", f"{slab}#2", "--as", "sse", "--to", tmp_path / "out") == 0
    assert run("redact", slab, "--verify") == 0
    with pytest.raises(NotFoundError):
        list(find(f"{slab}#3"))


def test_it_holds_the_exchange_with_its_findings_and_without_its_secrets(slab) -> None:
    came = read_exchange_dir(NEWLINE)
    found = next(find(str(slab))).read()
    assert found.body == came.body
    assert found.request == came.request
    assert [one.offset_us for one in found.segments] == [one.offset_us for one in came.segments]
    manifest = manifest_of(str(slab), LARGEST)
    assert manifest["redacted"] is True
    assert manifest["client_table"]
    with zipfile.ZipFile(slab) as archive:
        assert "plain-text-in-data" in archive.read("1/findings.json").decode()
        assert KEY[12:] not in archive.read("2/body.sse").decode()


def test_the_same_exchanges_give_the_same_bytes(slab, tmp_path) -> None:
    again = tmp_path / "again.slab"
    write_bundle([str(slab)], again, masking_of())
    assert again.read_bytes() == slab.read_bytes()


def test_secrets_are_kept_on_request(tmp_path, capsys) -> None:
    body = tmp_path / "x.sse"
    body.write_bytes(streams.sse(streams.chat_text(KEY[:12], KEY[12:])))
    assert run("bundle", body, "-o", tmp_path / "a.slab", "--keep-secrets") == 0
    assert next(find(str(tmp_path / "a.slab"))).read().body == body.read_bytes()
    assert run("redact", tmp_path / "a.slab", "--verify") == 1
    assert "body of the response, event" in capsys.readouterr().err


def _rezip(parts: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return made.getvalue()


def _parts(slab) -> dict[str, bytes]:
    with zipfile.ZipFile(slab) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def _hostile(slab):
    parts = _parts(slab)
    manifest = json.loads(parts["manifest.json"])

    def changed(**changes) -> bytes:
        return _rezip({**parts, "manifest.json": json.dumps({**manifest, **changes}).encode()})

    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", b" " * (1 << 27))
    yield "bomb", bomb.getvalue()
    yield "foreign", _rezip({"word/document.xml": b"<x/>"})
    yield "empty zip", b"PK\5\6" + b"\0" * 18
    yield "path", _rezip({**parts, "../../evil": b"x"})
    yield "named path", changed(parts={**manifest["parts"], "../evil": {"bytes": 1, "sha256": "x"}})
    yield "changed body", _rezip({**parts, "1/body.sse": parts["1/body.sse"][:-1] + b"!"})
    yield "newer", changed(format="streamlab.bundle/9")
    yield "no exchanges", changed(exchanges=0)
    yield "many exchanges", changed(exchanges=10**9)
    yield "no manifest object", _rezip({**parts, "manifest.json": b"[]"})
    yield "deep manifest", _rezip({**parts, "manifest.json": b"[" * 100_000})
    yield "odd sizes", changed(parts={name: {"bytes": "1"} for name in manifest["parts"]})


def test_what_is_hostile_is_one_line(slab, tmp_path, capsys) -> None:
    for name, data in _hostile(slab):
        file = tmp_path / "h.slab"
        file.write_bytes(data)
        assert run("check", file) == 2, name
        said = capsys.readouterr().err
        assert said.count("\n") == 1, (name, said)
        assert sorted(one.name for one in tmp_path.iterdir()) == ["h.slab"]


def test_mutated_bytes_are_read_as_they_were_or_refused(slab, tmp_path) -> None:
    """A few; benchmarks/redaction_bench.py makes two thousand."""
    whole, dice, file = slab.read_bytes(), random.Random(5), tmp_path / "m.slab"
    bodies = [one.read().body for one in find(str(slab))]
    for _ in range(120):
        file.write_bytes(mutated(whole, dice))
        try:
            found = [one.read().body for one in find(str(file))]
        except UnreadableInputError:
            continue
        assert found == bodies


def mutated(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.randrange(1, 4)):
        at, kind = dice.randrange(len(changed)), dice.randrange(4)
        if kind == 0:
            changed[at] ^= 1 << dice.randrange(8)
        elif kind == 1:
            del changed[at : at + dice.randrange(1, 200)]
        elif kind == 2:
            changed[at:at] = dice.randbytes(dice.randrange(1, 50))
        else:
            del changed[at + 1 :]
    return bytes(changed)


def test_a_missing_number_and_no_bundle(tmp_path) -> None:
    file = tmp_path / "x.slab"
    file.write_bytes(bundle([], {}))
    with pytest.raises(UnreadableInputError):
        verify_bundle(str(file), LARGEST)
    with pytest.raises(UnreadableInputError):
        read_bundled(str(file), 1, LARGEST)
