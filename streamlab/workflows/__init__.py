"""Workflows: what a command does, told once. Wiring of sockets, storage and core."""
