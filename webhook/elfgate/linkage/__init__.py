"""Judges what would happen at start.

The kernel's exec, then glibc's or musl's loader, in their own order. Pure.
"""
