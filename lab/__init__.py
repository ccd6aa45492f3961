"""Real root file systems and real programs, fetched from package registries.

What the demo and the truth lab run on.

Everything is fetched as the current user and kept under one cache directory outside the checkout;
nothing of the host is changed. Which mirror or index is asked is the host's own configuration of
apt, pip and npm.
"""
