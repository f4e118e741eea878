"""Asks the ``.stream()`` helpers of openai again about every stream with tools, where none of these is strict.

    python tools/clients/not_strict.py      # adds a file to results/, and writes measured.toml

They parse the arguments of strict tools as they come, and leave those of others alone. Findings name who breaks on
strict tools alone only where one is (`measured.py`); the file says ``"strict": false``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import measured  # noqa: E402
import streams  # noqa: E402

from streamlab.clients.setups import setups  # noqa: E402
from streamlab.workflows.clients import measuring  # noqa: E402
from streamlab.workflows.clients.environments import Environments, default_folder  # noqa: E402
from streamlab.workflows.clients.running import ClientsAsked  # noqa: E402


def main() -> None:
    """Ask them, and say of each what it does otherwise than on strict tools."""
    helpers = [one for one in setups().values() if one.driver.startswith("openai_helper.")]
    loose = [one._replace(arguments=(*one.arguments, "--not-strict")) for one in helpers]
    names = [one.name for one in streams.all_streams() if one.tools and one.api == measured.CHAT]
    there = Environments(default_folder(), print)
    asking = ClientsAsked(there, there.folder / "drivers.log", failed=print)
    found = measuring.measure(measuring.checkout(), loose, names, asking)
    told = {"strict": False, **json.loads(found.results.read_text(encoding="utf-8"))}
    found.results.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    measured.TARGET.write_text(measured.document(), encoding="utf-8")
    for change in found.changes:
        print(change.client, change.stream, change.before, "->", change.after)


if __name__ == "__main__":
    main()
