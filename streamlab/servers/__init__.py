"""Servers: sockets. Shell."""
