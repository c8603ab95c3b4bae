"""An echo server on the gRPC library for Python: the cost of that stack alone.

Its handler ignores the request and returns prepared bytes.
"""

from __future__ import annotations

import argparse
import json
import signal
import threading
from concurrent import futures

import grpc

__all__ = ["main"]


class _Everything(grpc.GenericRpcHandler):
    def __init__(self, handler: grpc.RpcMethodHandler[bytes, bytes]) -> None:
        self._handler = handler

    def service(self, _details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        return self._handler


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--reply-bytes", type=int, default=0)
    parser.add_argument("--workers", type=int, default=16)
    args = parser.parse_args()
    reply = b"x" * args.reply_bytes
    in_pool: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(
        lambda _request, _context: reply
    )
    server = grpc.server(
        futures.ThreadPoolExecutor(args.workers),
        handlers=[_Everything(in_pool)],
        options=[
            ("grpc.so_reuseport", 0),
            ("grpc.max_receive_message_length", 16 * 1024 * 1024),
            ("grpc.max_send_message_length", 16 * 1024 * 1024),
        ],
        maximum_concurrent_rpcs=256,
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    print(json.dumps({"target": f"127.0.0.1:{port}"}), flush=True)
    stop.wait()
    server.stop(None).wait()


if __name__ == "__main__":
    main()
