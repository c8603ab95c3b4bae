"""The server on the gRPC library for Python, by its public names alone: the other transport.

It is the one to begin with for a program that serves the contract in a Python process of its own.
Admission, answers, metrics and the audit log are those of the native listener (``Calls``). Each
call holds a thread from its headers to its reply; docs/operations.md says what that means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from effective_embeddings._core import Admission, Call, Calls, Engine, StatusError
from effective_embeddings.server.auth.tls import make_credentials
from effective_embeddings.server.contract import SERVICE, SERVICE_NAME
from effective_embeddings.server.process.descriptors import connections_within
from effective_embeddings.server.process.unix_socket import is_served
from effective_embeddings.server.settings.addresses import target_of
from effective_embeddings.server.settings.errors import ListenError
from effective_embeddings.server.settings.settings import Settings
from effective_embeddings.server.transport.health_follower import HealthFollower

__all__ = ["GrpcioServer"]

# For calls that are refused, and for health, while all others wait.
_SPARE_THREADS = 16
_HANDSHAKE_MS = 10_000
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_DOWNLOADS = {method.name for method in SERVICE.methods if method.server_streaming}
_UPLOADS = {method.name for method in SERVICE.methods if method.client_streaming}
_Status = health_pb2.HealthCheckResponse


class GrpcioServer:
    """A server of ``grpc.server`` with its port, its threads and its health.

    Attributes:
        admission: Admits its calls.
        stalled: Calls that were cancelled because their clients stalled: none.
        target: What a client connects to.
    """

    stalled = 0

    def __init__(self, settings: Settings, admission: Admission, calls: Calls) -> None:
        """Put the server together and take its port; nothing is served before ``start``.

        Args:
            settings: See Settings.
            admission: Admits the calls.
            calls: Answers and records them.

        Raises:
            ListenError: The address cannot be listened on.
            SettingsError: The certificate cannot be used.
        """
        self.admission = admission
        self._calls = calls
        threads = settings.max_concurrent_calls + _SPARE_THREADS
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="effemb-call")
        self._server = grpc.server(self._pool, [_Handlers(calls)], options=_options(settings))
        self._follower = HealthFollower(self._set_health)
        self._health = _Health(self._follower.look)
        self._set_health(serving=False)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        if settings.reflects:
            names = (SERVICE_NAME, health.SERVICE_NAME, reflection.SERVICE_NAME)
            reflection.enable_server_reflection(names, self._server)
        self.target = _take_port(self._server, settings)

    def _set_health(self, serving: bool) -> None:  # noqa: FBT001 - of a HealthFollower
        status = _Status.SERVING if serving else _Status.NOT_SERVING
        for name in (health.OVERALL_HEALTH, SERVICE_NAME):
            self._health.set(name, status)

    def start(self) -> None:
        """Serve health, and refuse calls until ``open``."""
        self._server.start()

    def open(self, engine: Engine, look: Callable[[], tuple[bool, str]]) -> None:
        """Answer calls from now on; health says what ``look`` returns as (serving, reason)."""
        self._calls.open(engine)
        self._follower.follow(look)

    def turn_away(self) -> None:
        """Serve NOT_SERVING, and refuse new calls with a reason and a retry delay."""
        self.admission.close()
        self._follower.drain()

    def stop(self, grace_seconds: float) -> None:
        """Close the port, and end the connections within a time; calls that go on are cancelled.

        Args:
            grace_seconds: How long replies may take to leave.
        """
        if not self._server.stop(grace_seconds).wait(grace_seconds):
            self._server.stop(None)
        self._pool.shutdown(wait=False)
        self._calls.close()


class _Handlers(grpc.GenericRpcHandler):
    """The methods of the service: bytes in, bytes out.

    Each is served as a method whose requests are a stream, so that a call is admitted or refused
    before its request is read. Names that the service does not have are refused with a reason, too.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        """Return the handler of a call; None: it is a call of another service."""
        service, _, name = handler_call_details.method.removeprefix("/").partition("/")
        if service != SERVICE_NAME:
            return None

        def unary(requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
            with self._begun(name, context) as call:
                return call.unary(next(requests, None))

        def download(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
            with self._begun(name, context) as call:
                yield from call.server_stream(next(requests, None))

        def upload(requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
            with self._begun(name, context) as call:
                stream = call.client_stream()
                try:
                    for request in requests:
                        stream.push(request)
                    # gRPC may end the requests of a cancelled call as if all of them had come.
                    return stream.finish() if context.is_active() else b""
                finally:
                    stream.abort()

        if name in _DOWNLOADS:
            return grpc.stream_stream_rpc_method_handler(download)
        return grpc.stream_unary_rpc_method_handler(upload if name in _UPLOADS else unary)

    @contextmanager
    def _begun(self, name: str, context: grpc.ServicerContext) -> Iterator[Call]:
        """Admit a call; a refusal of it, then or later, becomes its status."""
        try:
            call = self._calls.begin(
                name, context.invocation_metadata(), context.peer(), context.time_remaining()
            )
            context.set_trailing_metadata((("x-request-id", call.request_id),))
            # Called once the client has the reply or is gone: the reply's bytes count until then.
            if not context.add_callback(call.leave):
                call.leave()
            yield call
        except StatusError as refused:
            context.set_trailing_metadata(refused.trailing_metadata)
            context.abort(_CODES[refused.code], refused.message)


class _Health(health.HealthServicer):
    """The standard service, whose checks never say SERVING after a write was refused."""

    def __init__(self, look: Callable[[], None]) -> None:
        """Create the service.

        Args:
            look: Called before a check is answered; it may call ``set``.
        """
        super().__init__()
        self._look = look

    def Check(  # noqa: N802 - the name in the protocol
        self, request: health_pb2.HealthCheckRequest, context: grpc.ServicerContext
    ) -> health_pb2.HealthCheckResponse:
        """See the protocol."""
        self._look()
        return super().Check(request, context)


def _options(settings: Settings) -> list[tuple[str, int]]:
    return [
        # On by default, and then a second server silently gets half of the first one's calls.
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_send_message_length", settings.max_message_bytes),
        # Notice within half a minute that a client's machine is gone, and let clients ask as
        # often as every ten seconds whether ours is.
        ("grpc.keepalive_time_ms", 20_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.http2.ping_timeout_ms", 10_000),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.max_allowed_incoming_connections", connections_within(settings.max_connections)),
        ("grpc.max_concurrent_streams", settings.max_streams_per_connection),
        # Refuses calls at random, with UNAVAILABLE and no hint.
        ("grpc.http.overload_protection", 0),
        # A peer that connects and does not come to the point: a TLS handshake, HTTP/2's preface.
        ("grpc.server_handshake_timeout_ms", _HANDSHAKE_MS),
        ("grpc.http2.settings_timeout", _HANDSHAKE_MS),
        ("grpc.max_connection_idle_ms", _ms(settings.max_connection_idle_seconds)),
        # An old connection takes no more calls, and lives until its last one is finished.
        ("grpc.max_connection_age_ms", _ms(settings.max_connection_age_seconds)),
    ]


def _ms(seconds: float) -> int:
    """Return seconds in milliseconds, at most the largest value that gRPC takes."""
    return min(round(seconds * 1000), 2**31 - 1)


def _take_port(server: grpc.Server, settings: Settings) -> str:
    """Bind the address and return the target for clients."""
    listen = settings.listen
    if listen.startswith("unix:") and is_served(listen):
        message = f"cannot listen on {listen!r}: another server listens on this socket"
        raise ListenError(message)
    credentials = make_credentials(settings)
    try:
        if credentials is None:
            port = server.add_insecure_port(listen)
        else:
            port = server.add_secure_port(listen, credentials)
    except RuntimeError as error:
        # gRPC does not say why.
        message = f"cannot listen on {listen!r}: it is taken, or not an address of this machine"
        raise ListenError(message) from error
    return target_of(listen, port)
