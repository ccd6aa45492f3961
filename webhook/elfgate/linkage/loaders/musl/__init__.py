"""musl's loader, and gcompat's before it."""
