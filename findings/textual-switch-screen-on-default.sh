#!/bin/sh
# Textual 8.2.8: App.switch_screen() raises IndexError while the app shows its own default screen.
#
# An app that opens on a plain screen and goes on with `switch_screen(...)` (the documented way to replace the screen on
# top) dies in Screen._pop_result_callback, "pop from empty list": the default screen is pushed without a callback, and
# switching pops one all the same. Who writes a viewer of streams in Textual has to push the first screen instead.
#
# Tried 2026-11-28 with Python 3.11 and textual 8.2.8:
#   pushed first, then switched: fine
#   switched from the default screen: IndexError: pop from empty list
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/venv"
"$place/venv/bin/python" -m pip install --quiet --disable-pip-version-check textual==8.2.8
cat > "$place/switch.py" <<'PYTHON'
import asyncio
import sys

from textual.app import App
from textual.screen import Screen


class Plain(App[None]):
    """No screens of its own: it starts on the default screen."""


async def switched(push_first: bool) -> str:
    app = Plain()
    try:
        async with app.run_test():
            if push_first:
                await app.push_screen(Screen())
            await app.switch_screen(Screen())
    except IndexError as error:
        return f"IndexError: {error}"
    return "fine"


pushed, default = asyncio.run(switched(True)), asyncio.run(switched(False))
print(f"pushed first, then switched: {pushed}")
print(f"switched from the default screen: {default}")
sys.exit((pushed, default) != ("fine", "IndexError: pop from empty list"))
PYTHON
"$place/venv/bin/python" "$place/switch.py"
