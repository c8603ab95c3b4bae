"""Calls as data: from a method's arguments to requests, and from replies to a result.

Nothing here sends anything. Both clients, over gRPC or in process, run the same Call and Pages
objects, so requests are built and replies are read in one place.
"""
