"""Calls as data: from a method's arguments to the requests to send, and from replies to a result.

Nothing here sends anything. The sync and the async client, over gRPC or in process, all run the
same Call and Pages objects, so requests are built and replies are read in one place.
"""
