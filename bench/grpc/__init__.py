"""Benches of the server over gRPC, and of its process."""
