"""Whether the process that began a recording still runs, even after its number was given to another."""

from __future__ import annotations

import os
from pathlib import Path


def this_process() -> str:
    """Names this process on this boot of this machine."""
    return identity_of(os.getpid()) or f"pid:{os.getpid()}"


def identity_of(pid: int) -> str | None:
    """``boot:pid:start time`` of a running process where the system tells (Linux), else ``pid:N``; None when gone."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return None
        return f"pid:{pid}" if _answers(pid) else None
    except OSError:
        return f"pid:{pid}" if _answers(pid) else None
    # The name in parentheses may hold anything; state and start time are fields 3 and 22, counted behind it.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else f"{boot}:{pid}:{fields[19]}"


def is_alive(identity: str) -> bool:
    """Whether the process of that identity runs here."""
    parts = identity.split(":")
    pid = parts[1] if len(parts) > 1 else ""
    return pid.isdecimal() and len(pid) < 10 and identity_of(int(pid)) == identity


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True
