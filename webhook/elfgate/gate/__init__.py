"""The main path, from a workload to a verdict: start reading at ``gate.py``."""
