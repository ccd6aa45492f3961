"""Reference → linkage per platform.

From the store where it is known, from its source where it must be.
"""
