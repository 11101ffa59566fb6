"""What people must do by a date: kinds, recurrence, what was done, and the photos that show it.

Rule of this folder: it knows the ledger and the pack's values; of Home Assistant, nothing.
"""
