"""Reports of verbs, in the forms that other programs read.

One table, and one list of cases, for all of them.
"""
