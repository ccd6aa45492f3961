"""Bases of images: which release of which distribution has which C library, and until when."""
