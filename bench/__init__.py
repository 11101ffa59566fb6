"""Benchmarks: each bar beside its peers in the same run; nothing here passes or fails a build."""
