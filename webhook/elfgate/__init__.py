"""elfgate: refuses workloads whose image cannot start where they may land, and says why."""

__version__ = "0.1.0"

SITE = "https://elfgate.dev"
"""Where the documentation and the schemas of documents are published."""
