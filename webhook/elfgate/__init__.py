"""elfgate: refuses workloads whose image cannot start where they may land, and says why."""

__version__ = "0.1.0"
