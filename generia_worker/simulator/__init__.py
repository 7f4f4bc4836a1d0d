"""Both paid APIs, offline: one small ASGI program with real sockets, a billing ledger and switchable misbehaviour.

The demo runs on it without any key, and the tests run the real clients against it.
"""
