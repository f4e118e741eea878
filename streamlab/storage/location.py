"""Where the database is when nobody says, and how a lake is named."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from streamlab.errors import NotFoundError

if TYPE_CHECKING:
    from pathlib import Path

ENVIRONMENT = "STREAMLAB_DB"
#: How a TARGET that is a lake begins.
LAKE = "lake:"


def default_db() -> Path:
    """``$STREAMLAB_DB``, else captures/streamlab.db where a folder captures/ is, else in the user's data folder."""
    from pathlib import Path  # deferred: who checks a file needs the name of a lake alone

    named = os.environ.get(ENVIRONMENT)
    if named:
        return Path(named)
    if Path("captures").is_dir():
        return Path("captures") / "streamlab.db"
    from platformdirs import user_data_path  # it costs a command more to load than most that it does

    return user_data_path("streamlab", appauthor=False) / "streamlab.db"


def existing_db(named: Path | None = None) -> Path:
    """The named or default database, which has to be there. Raises NotFoundError, saying what makes one."""
    path = named or default_db()
    if not path.exists():
        makes = "`streamlab record --upstream URL` makes one; `streamlab demo` shows it all without a server"
        raise NotFoundError(f"there is no database at {path} yet: {makes}")
    return path
