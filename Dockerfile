# The service in a small image: a wheel is built once, then installed without a compiler.
FROM rust:1.95-slim-bookworm AS build
# Any version of these Debian packages will do: the final image contains none of them.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-venv && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /venv && /venv/bin/pip install --no-cache-dir 'maturin>=1.16,<2'
WORKDIR /src
COPY Cargo.toml Cargo.lock pyproject.toml README.md LICENSE ./
COPY .cargo .cargo
COPY proto proto
COPY rust_core rust_core
COPY bench/load bench/load
COPY service service
RUN /venv/bin/maturin build --release --locked --out /wheels

FROM python:3.13-slim-bookworm
COPY deploy/requirements.lock /wheels/
COPY --from=build /wheels /wheels
# The tested versions, each by its hash.
RUN pip install --no-cache-dir --require-hashes -r /wheels/requirements.lock \
 && pip install --no-cache-dir --no-deps /wheels/*.whl && rm -rf /wheels \
 && useradd --system --uid 10001 effemb && install -d -o effemb /data
USER 10001
VOLUME /data
EXPOSE 50051
# The server writes to /data only: `docker run --read-only` works. Without a named volume for /data
# (`-v effemb-data:/data`) the data is lost with the container.
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# gRPC logs a line of its own format for each failed handshake, which any client can cause.
ENV GRPC_VERBOSITY=ERROR
# The loopback of a container cannot be reached from outside, so the server listens on all addresses:
# publish the port only to trusted callers, or configure tokens and a certificate
# (deploy/compose.yaml).
# By the metrics, as in compose: health over gRPC would need the certificate's authority and name.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10m \
  CMD ["python", "-c", "import urllib.request as u; assert b'effemb_serving 1.0' in u.urlopen('http://127.0.0.1:9464/metrics', timeout=4).read()"]
ENTRYPOINT ["effemb"]
CMD ["serve", "--listen", "0.0.0.0:50051", "--allow-insecure-listen", "--data", "/data"]
