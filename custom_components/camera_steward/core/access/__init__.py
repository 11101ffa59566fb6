"""Who may see what: plain values and one pure decision. Nothing here reads or writes anything.

What is not certain is denied (design section 7).
"""
