"""The audit of what already runs, judged by the gate: start reading at ``collection.py``, then ``judging.py``."""
