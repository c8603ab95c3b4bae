"""How serialized messages travel: over gRPC, or to an engine in this process."""
