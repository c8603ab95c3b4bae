"""The crash loop: the server is killed with SIGKILL at chosen points, restarted, and checked.

``expected_state`` holds the acknowledged writes, ``kill_points`` the points, ``loop`` runs rounds.
"""
