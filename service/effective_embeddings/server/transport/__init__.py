"""gRPC: the service, health and reflection, as handlers of a ``grpc.server``."""
