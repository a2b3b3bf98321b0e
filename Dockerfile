# syntax=docker/dockerfile:1
# One image for every service: the first argument says which (`ramen --help`).
# Releases pin both bases by digest (FROM rust:1.95-trixie@sha256:…); the tag's digest is printed by
# `docker buildx imagetools inspect rust:1.95-trixie`.

FROM rust:1.95-trixie AS build
# Debian keeps one version of a package: a pin would break with the next fix.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends cmake g++ \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
# Queries were checked against .sqlx: the build needs no database.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/target \
    CARGO_TARGET_DIR=/target cargo build --release --locked --bin ramen \
 && cp /target/release/ramen /usr/local/bin/ramen

FROM debian:trixie-slim
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates tini \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin ramen \
 && install -d -o ramen -g ramen /data
COPY --from=build /usr/local/bin/ramen /usr/local/bin/ramen
COPY --chmod=755 .config/healthy /usr/local/bin/healthy
USER 10001
# What is loopback by default is reached from outside a container.
ENV RAMEN_DIR=/data \
    RAMEN_LISTEN=0.0.0.0:8080 \
    RAMEN_HEALTH_LISTEN=0.0.0.0:7072
VOLUME /data
EXPOSE 8080 7072
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=12 \
    CMD ["/usr/local/bin/healthy"]
# tini passes signals on; ramen then stops softly.
ENTRYPOINT ["/usr/bin/tini", "--", "/usr/local/bin/ramen"]
CMD ["--help"]
