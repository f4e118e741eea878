"""The command line as a process that heeds Ctrl-C, also where the tests run in the background of a shell, which tells
its children to ignore it."""

import sys

_MAIN = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from streamlab.cli import main; main()"
)
INTERRUPTIBLE = (sys.executable, "-c", _MAIN)
