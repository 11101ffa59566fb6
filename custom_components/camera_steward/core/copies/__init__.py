"""Footage outside the vault: values and judgements, without touching any of it."""
