"""A regular package, so that no other folder of this name hides the one that is tested."""
