"""From a camera's stream to segments: one thread a camera, every packet kept in order.

Rule of this folder: sources raise `SourceError`, storage raises `StorageError`; the worker turns
both into gaps with a cause and tries again. Nothing is decoded and nothing is changed (INV-3).
"""
