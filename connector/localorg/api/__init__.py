"""The org over HTTP: requests in, replies out. `app.py` is the entrance; server.py (one level up) puts it on a socket.

Nothing here knows sockets or threads, so tests can drive it without either.
"""
