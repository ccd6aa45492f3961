"""The documents that verbs print as JSON and YAML, and that ``elfgate.api`` returns.

Their schemas are published.
"""
