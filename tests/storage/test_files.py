"""Files from elsewhere: a FIFO, a device, a link out of the folder and too much are refused in one line, never read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from streamlab.cli import main
from streamlab.cli.check import command as check
from streamlab.errors import CouldNotRunError, NotFoundError, UnreadableInputError
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.files import largest_input, read_regular, write_regular
from streamlab.storage.naming import free_directory
from streamlab.storage.targets import find
from tests import streams

BODY = streams.sse(streams.chat_text())
SECRET = b"data: the private file\n\n"


@pytest.fixture
def special(tmp_path: Path) -> dict[str, Path]:
    """One of each kind of file that is none to read."""
    os.mkfifo(tmp_path / "fifo.sse")
    return {"a FIFO": tmp_path / "fifo.sse", "a device": Path("/dev/zero"), "a directory": tmp_path}


@pytest.mark.parametrize("kind", ["a FIFO", "a device", "a directory"])
def test_only_regular_files_are_read_and_written(special: dict[str, Path], kind: str) -> None:
    with pytest.raises(UnreadableInputError, match=f"{special[kind]}: {kind}, not a regular file|is a directory"):
        read_regular(special[kind])
    with pytest.raises((UnreadableInputError, CouldNotRunError), match=str(special[kind])):
        write_regular(special[kind], b"x")


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"12345")
    assert read_regular(tmp_path / "x", 5) == b"12345"
    with pytest.raises(UnreadableInputError, match="larger than 4 bytes; --max-input"):
        read_regular(tmp_path / "x", 4)
    with pytest.raises(UnreadableInputError, match="no such file"):
        read_regular(tmp_path / "y")


def test_a_link_is_followed_where_it_stays_in_the_folder(tmp_path: Path) -> None:
    home, outside = tmp_path / "home", tmp_path / "outside.sse"
    (home / "in").mkdir(parents=True)
    outside.write_bytes(SECRET)
    (home / "in" / "real.sse").write_bytes(BODY)
    (home / "away.sse").symlink_to(outside)
    (home / "loop.sse").symlink_to(home / "loop.sse")
    (home / "near.sse").symlink_to(home / "in" / "real.sse")
    (home / "zero.sse").symlink_to("/dev/zero")
    read = {}
    for target in find(str(home)):
        try:
            read[Path(target.path).name] = target.read().body
        except UnreadableInputError as error:
            read[Path(target.path).name] = str(error)
    assert read.pop("real.sse") == read.pop("near.sse") == BODY
    assert set(read) == {"away.sse", "loop.sse", "zero.sse"}
    assert all(isinstance(said, str) and "\n" not in said for said in read.values())
    assert all("points out of its directory" in read[name] for name in ("away.sse", "zero.sse"))


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"mine")
    (tmp_path / "link").symlink_to(outside)
    with pytest.raises(CouldNotRunError, match="a symbolic link, not written through"):
        write_regular(tmp_path / "link", b"x")
    assert outside.read_bytes() == b"mine"
    (tmp_path / "nowhere").symlink_to(tmp_path / "missing")
    assert free_directory(tmp_path, "nowhere") == tmp_path / "nowhere-2"
    write_regular(tmp_path / "new", b"longer")
    write_regular(tmp_path / "new", b"new")
    assert (tmp_path / "new").read_bytes() == b"new"
    write_regular(Path(os.devnull), b"x")


@pytest.mark.parametrize(
    "words", [["check"], ["show"], ["normalize"], ["export", "--to", "out"], ["import"], ["replay"]]
)
@pytest.mark.parametrize("name", ["fifo", "/dev/zero", "large.sse"])
def test_every_command_that_reads_files_refuses_these(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("fifo")
    Path("large.sse").write_bytes(BODY)
    with pytest.raises(SystemExit) as caught:
        main([*words, name, "--max-input", "100", "--db", str(tmp_path / "x.db")])
    said = capsys.readouterr().err
    assert caught.value.code == 2
    assert said.count("\n") == 1
    assert name in said
    assert not Path("x.db").exists()


@pytest.mark.parametrize("option", ["--db", "--request"])
@pytest.mark.parametrize("name", ["fifo", "/dev/zero"])
def test_options_that_name_a_file_refuse_these(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, name: str
) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "x.sse").write_bytes(BODY)
    target = "1" if option == "--db" else str(tmp_path / "x.sse")
    with pytest.raises(SystemExit) as caught:
        main(["check", target, option, str(tmp_path / name)])
    said = capsys.readouterr().err
    assert (caught.value.code, said.count("\n")) == (2, 1)
    assert "not a regular file" in said


@pytest.mark.parametrize("text", ["0", "-1", "1T", "x", "1e3"])
def test_sizes_that_are_none(capsys: pytest.CaptureFixture[str], text: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["check", "x", "--max-input", text])
    assert caught.value.code == 2
    assert "is no size" in capsys.readouterr().err


def test_a_size_has_a_unit_and_holds_for_its_command_alone() -> None:
    before = largest_input.get()
    with check.make_context("check", ["nothing", "--max-input", "3MiB"]):
        assert largest_input.get() == 3 << 20
    assert largest_input.get() == before


@pytest.mark.parametrize("digits", ["9" * 19, "9" * 5000])
def test_numbers_that_no_exchange_can_have(tmp_path: Path, digits: str) -> None:
    CaptureDB(tmp_path / "x.db", write=True).close()
    with pytest.raises(NotFoundError, match="a number has at most 18 digits"):
        list(find(digits, tmp_path / "x.db"))
    with pytest.raises(NotFoundError, match="a number has at most 18 digits"):
        list(find(f"{tmp_path / 'x.db'}#{digits}"))


def test_a_name_that_is_too_long_for_a_file(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such file"):
        list(find("x" * 5000))
