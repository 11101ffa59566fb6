"""Look at what cameras see, in small, and whether it still is the view that was approved.

Rule of this folder: pictures live in memory for one look; what is kept of them is no picture
(INV-1). Nothing leaves it but the names of what was found, times and figures (INV-4).
"""
