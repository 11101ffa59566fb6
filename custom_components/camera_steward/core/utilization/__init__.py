"""Pictures used without keeping one: taken, looked at, and let go, in memory only."""
