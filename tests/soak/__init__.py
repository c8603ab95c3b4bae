"""The soak: the real server under a steady mixed load, with a check for slow growth.

`python -m tests.soak --minutes 60` (`make soak`) runs it; the suite runs the same for seconds.
Acknowledged writes are recorded and compared at the end (``check``); memory, descriptors, threads,
files and latencies are sampled (``samples``) and judged (``verdict``).
"""
