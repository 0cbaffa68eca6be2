# syntax=docker/dockerfile:1

# Builds the shield, and ships it with the interpreters that run Python and Node functions. Nothing in the image is written
# at run time but the volume with logs, keys and stores, so it runs with a read-only root:
#
#   docker build --tag brigandine .
#   docker run --rm brigandine --version
#   docker run --rm --read-only --volume "$PWD:/app:ro" brigandine check /app
#   docker run --rm --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
#     --network host --volume "$PWD:/app:ro" --volume brigandine:/var/lib/brigandine \
#     brigandine serve /app
#
# `serve` listens on the loopback address unless told otherwise (`--listen`), and a development issuer and development keys
# exist on that address only: hence the host's network above. To listen for others, give `--listen 0.0.0.0:3000`, publish
# the port, and set up the issuers that the template names.

FROM rust:1.95-slim-trixie AS build
WORKDIR /build
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked --package brigandine \
    && strip --output /brigandine target/release/brigandine

FROM debian:trixie-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates nodejs python3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --home-dir /var/lib/brigandine --create-home brigandine
COPY --from=build /brigandine /usr/local/bin/brigandine
COPY LICENSE /usr/share/doc/brigandine/LICENSE
USER 10001:10001
# Logs, keys and stores: $XDG_STATE_HOME/brigandine/<application>.
ENV XDG_STATE_HOME=/var/lib
VOLUME /var/lib/brigandine
WORKDIR /app
EXPOSE 3000
ENTRYPOINT ["/usr/local/bin/brigandine"]
CMD ["--help"]
