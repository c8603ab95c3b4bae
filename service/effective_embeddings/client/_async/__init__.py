"""The client for asyncio: the same calls as the sync one, awaited."""
