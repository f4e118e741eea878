"""Playback: which recorded exchange answers, what a server has to send when, and how that may be varied. Core."""
