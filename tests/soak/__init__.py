"""The soak: the real server under a steady mixed load, watched for anything that creeps.

`python -m tests.soak --minutes 60` (`make soak`) runs it; the suite runs the same for seconds.
What was acknowledged is written down and compared at the end (``check``); memory, descriptors,
threads, files and latencies are sampled (``samples``) and judged (``judge``).
"""
