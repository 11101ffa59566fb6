"""Documents for people, in Japanese and English, out of templates that are kept as files.

Rule of this folder: values in, text out. A template that asks for a value that nobody gave is an
error, never an empty line; in HTML every value is escaped.
"""
