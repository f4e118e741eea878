"""Takes up what recorders that were killed left in spool files beside a capture.

Such a recorder wrote to the capture up to a point and left there what was open then; the spool files go on from
before that point.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from streamlab.errors import StreamlabError
from streamlab.sharing.wanted import ALL_KNOWN, Masking
from streamlab.storage.block_cipher import NoRequests
from streamlab.storage.frames import Gathering, Layout
from streamlab.storage.process_identity import is_alive
from streamlab.storage.recorder import Observer, Recorder
from streamlab.storage.recording_file import RecordingFile
from streamlab.storage.spool_files import SpoolFiles, reading_cipher, runs_beside


def take_up(file: RecordingFile, observer: Observer) -> None:
    """Record what is left of all runs whose processes are gone; ``file`` is open. Raises sqlite3.Error where nothing
    can be read."""
    writers = file.others()
    left = [run for run in runs_beside(file.path) if run != file.run]
    for run in left:
        if not is_alive(writers.get(run, "")):
            _take_up_run(file.path, run, observer, file.masking)
    # Where somebody holds the database meanwhile, the next start forgets them.
    with contextlib.suppress(StreamlabError, sqlite3.Error):
        file.forget_runs([run for run, process in writers.items() if run not in left and not is_alive(process)])


def _take_up_run(path: Path, run: str, observer: Observer, masking: Masking | None) -> None:
    files = SpoolFiles(path, run, Layout())
    lock = files.lock_first()
    if lock is None:  # another recorder is at it
        return
    try:
        about = files.about()
        layout = _layout(about)
        if layout is None or is_alive(str(about.get("relay"))):
            return
        label = about.get("label")
        if about.get("encrypted"):
            masking = masking or ALL_KNOWN  # as it was to be: what the recorder held of bodies went with it, too
        recorder = Recorder(path, label if isinstance(label, str) else None, observer, run, None, masking)
        cipher = reading_cipher(run, about.get("requests"))
        files = SpoolFiles(path, run, layout, cipher)
        if not recorder.start():
            return
        size = 0 if about.get("encrypted") else _feed(recorder, files, layout)
        recorder.interrupt("recorder-stopped" if recorder.goodbye else "recorder-killed")
        done = recorder.finish()
        recorder.close()
        files.close()
        if done:
            files.delete_all()
            told = f"{size} bytes of a recording that was cut short were taken up"
            lost = "what waited on disk to be masked went with the recorder that was killed"
            observer.warn(f"{path}: {lost if about.get('encrypted') else told}")
            if size and isinstance(cipher, NoRequests):
                observer.warn(f"{path}: what clients said there cannot be read without the key of who recorded it")
    finally:
        os.close(lock)


def _layout(about: dict[str, object]) -> Layout | None:
    block, file_blocks = about.get("block"), about.get("file_blocks")
    if not isinstance(block, int) or not isinstance(file_blocks, int):
        return None
    return Layout(block, file_blocks=file_blocks) if 4096 <= block <= 2**26 and 0 < file_blocks < 2**16 else None


def _feed(recorder: Recorder, files: SpoolFiles, layout: Layout) -> int:
    """Give the recorder the frames of the blocks that are there; how many bytes they were."""
    numbers = [first + index for first in files.first_blocks() for index in range(layout.file_blocks)]
    position, size = recorder.committed, 0
    for number in numbers:
        begin = number * layout.block
        if begin + layout.block <= position:
            continue
        block = files.read(number)
        if block is None:
            continue
        if begin > position and position:
            recorder.skipped()
        recorder.clocks = (block.wall_ns, block.monotonic_ns)
        start = max(begin, position)
        frames = Gathering()
        position = begin + frames.add(block.data, start - begin, len(block.data))
        recorder.take(frames.found)
        size += position - start
        recorder.taken_to(position)
        recorder.write(at_once=True)
        if recorder.in_trouble and not recorder.finish():
            break
    return size
