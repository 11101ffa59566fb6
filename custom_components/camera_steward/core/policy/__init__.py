"""What a city asks for, as data, and how far it is met: packs, tasks, facts, rules, states.

Rule of this folder: values in, values out. Nothing here looks at a clock, a file but a pack's, or a
ledger; whoever calls brings what is known and what time it is.
"""
