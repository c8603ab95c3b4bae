"""The crash loop: the server is killed with SIGKILL at chosen moments, and asked what is left.

``world`` holds what was acknowledged, ``moments`` has the moments, ``loop`` goes round.
"""
