"""Turns what is stored into what a screen can show, in memory, for those who may see it."""
