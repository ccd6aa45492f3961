"""The composition: the only room that knows every implementation.

A module a collaborator, and one for ``serve``.
"""
