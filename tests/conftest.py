"""What all tests need."""

# Imported before Home Assistant's test plugin mounts its own folder of that name, which would
# hide ours.
import custom_components  # noqa: F401
