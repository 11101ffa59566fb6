"""The ledger: an append-only, hash-chained, signed log; every register is a view of it (INV-5).

Rule of this folder: nothing here changes or removes an entry, and nothing that fails its check is
thrown away. `docs/design/ledger.md` ties each byte to the attack that it defeats.
"""
