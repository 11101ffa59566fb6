"""What the bytes of a segment mean: units as received, fragmented MP4 around them.

Rule of this folder: bytes in, bytes out; no files, no clock, no threads. The encoded units are
never changed (INV-3): only start codes and length prefixes, which belong to the carrier.
"""
