"""Hand-over: on which ground, by whom, and on record before the first byte (Kumagaya 第3 4).

What is not on one of the pack's grounds never leaves; that it was asked for is on record too.
"""
