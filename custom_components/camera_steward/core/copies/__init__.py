"""Copies: footage of governed cameras that lies outside the vault (docs/design/handover.md).

Rule of this folder: what lies outside the vault is somebody else's. It is reached through descriptors
of directories alone, no link is followed, and nothing is erased that the ledger did not name first.
"""
