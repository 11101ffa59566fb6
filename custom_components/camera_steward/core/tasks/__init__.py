"""What people must do by a date: the kinds of task, when each is due, and what was done.

Rule of this folder: `kinds` and `engine` are values in, values out; only `doings` and `book` touch the
ledger, and only `photos` a file.
"""
