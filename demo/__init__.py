"""The demo.

One real program, three images of it, four architectures, and a cluster that is told in time.
"""
