"""The vault: encrypted segments on disk, their keys and their index (design section 5).

Rule of this folder: it alone writes footage, always encrypted (INV-6); the byte table and the
procedures stand in docs/design/vault-format.md.
"""
