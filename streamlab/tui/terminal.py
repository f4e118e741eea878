"""The terminal of a workbench whose first frame (`first_frame`) is on it already."""

from __future__ import annotations

from textual.drivers.linux_driver import LinuxDriver


class TakeOverDriver(LinuxDriver):
    """Draws over what is there. The alternate screen is on; to switch to it again would clear it, which flickers."""

    def write(self, data: str) -> None:
        """See `textual.driver.Driver`."""
        if data != "\x1b[?1049h":
            super().write(data)
