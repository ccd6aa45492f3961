"""The audit of what already runs, judged by the gate.

Start reading at ``collection.py``, then ``judging.py``.
"""
