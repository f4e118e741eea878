"""Interop: other people's formats. Shell."""
