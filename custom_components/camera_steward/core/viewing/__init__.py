"""Turns stored bytes into what a screen can show, in memory only; nothing here writes.

Rule of this folder: bytes in, bytes out; no files, no clock, no threads of its own. Bytes that
are not as they were stored raise `FootageError` and nothing else.
"""
