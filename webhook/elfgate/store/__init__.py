"""Facts by digest, kept: what was read once is not read again."""
