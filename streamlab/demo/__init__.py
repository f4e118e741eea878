"""The whole loop on stand-in servers: serve, record through the real proxy, look, and say who is to blame.

No key and no network: everything is on loopback.
"""
