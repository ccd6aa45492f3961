"""Reference → linkage per platform: from the store where it is known, from its source where it must be."""
