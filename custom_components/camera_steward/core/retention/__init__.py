"""Retention: what goes, when, under which rule, and the proof that it went (design section 6).

Rule of this folder: only `keeper` erases, only what `plan` named, and only while `guard` trusts the
clock; what was decided is finished even when the clock is no longer trusted.
"""
