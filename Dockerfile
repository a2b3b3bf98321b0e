# syntax=docker/dockerfile:1
# One image for every service: the first argument says which (`ramen --help`).
# Releases pin both bases by digest (FROM rust:1.95-trixie@sha256:…); the tag's digest is printed by
# `docker buildx imagetools inspect rust:1.95-trixie`.

FROM rust:1.95-trixie AS build
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
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates tini \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin ramen \
 && install -d -o ramen -g ramen /data
COPY --from=build /usr/local/bin/ramen /usr/local/bin/ramen
COPY --chmod=755 .config/healthy /usr/local/bin/healthy
USER 10001
ENV RAMEN_DIR=/data
VOLUME /data
EXPOSE 7070 7072
# tini passes signals on; ramen then stops softly.
ENTRYPOINT ["/usr/bin/tini", "--", "/usr/local/bin/ramen"]
CMD ["--help"]
