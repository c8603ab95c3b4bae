"""The contract of the API, over gRPC and in process."""
