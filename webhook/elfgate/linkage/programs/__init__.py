"""Programs that start others: the container's own command, wrappers, and the interpreters of scripts."""
