"""The workbench: `streamlab tui`."""
