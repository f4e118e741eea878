"""Where the database is when nobody says."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from streamlab.errors import NotFoundError

ENVIRONMENT = "STREAMLAB_DB"


def default_db() -> Path:
    """``$STREAMLAB_DB``, else captures/streamlab.db where a folder captures/ is, else in the user's data folder."""
    named = os.environ.get(ENVIRONMENT)
    if named:
        return Path(named)
    if Path("captures").is_dir():
        return Path("captures") / "streamlab.db"
    return _user_data() / "streamlab" / "streamlab.db"


def _user_data() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")


def existing_db(named: Path | None = None) -> Path:
    """The named or default database, which has to be there. Raises NotFoundError, saying what makes one."""
    path = named or default_db()
    if not path.exists():
        raise NotFoundError(f"there is no database at {path} yet: `streamlab record --upstream URL` makes one")
    return path
