"""Recording, vault, retention and ledger: pure, synchronous, free of Home Assistant.

Rule of this folder: nothing here imports Home Assistant or asyncio; clock and files come in as
seams; errors are raised, never logged and passed over.
"""
