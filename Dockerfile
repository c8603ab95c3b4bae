# The service in a small image: a wheel is built once, then installed without a compiler.
FROM rust:1.95-slim-bookworm AS build
# What Debian has is right: nothing of it is in the image that runs.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-venv && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /venv && /venv/bin/pip install --no-cache-dir 'maturin>=1.16,<2'
WORKDIR /src
COPY Cargo.toml Cargo.lock pyproject.toml README.md LICENSE ./
COPY proto proto
COPY rust_core rust_core
COPY service service
RUN /venv/bin/maturin build --release --locked --out /wheels

FROM python:3.13-slim-bookworm
COPY deploy/requirements.lock /wheels/
COPY --from=build /wheels /wheels
# What was tested, and nothing newer: every version by its hash.
RUN pip install --no-cache-dir --require-hashes -r /wheels/requirements.lock \
 && pip install --no-cache-dir --no-deps /wheels/*.whl && rm -rf /wheels \
 && useradd --system --uid 10001 effemb && install -d -o effemb /data
USER 10001
VOLUME /data
EXPOSE 50051
# It writes to /data alone: `docker run --read-only` works.
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# gRPC's own lines have another form than the log, and anybody makes them: one a failed handshake.
ENV GRPC_VERBOSITY=ERROR
# A container's own loopback is of no use to others, so it listens on all of its addresses; publish
# the port to where you trust the callers, or give it tokens and a certificate
# (deploy/compose.yaml).
ENTRYPOINT ["effemb"]
CMD ["serve", "--listen", "0.0.0.0:50051", "--allow-insecure-listen", "--data", "/data"]
