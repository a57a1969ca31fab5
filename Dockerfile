# syntax=docker/dockerfile:1
# One build, one target per service:  docker build --target ingress .

FROM rust:1.95.0-slim-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends g++ make pkg-config zlib1g-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --release --locked --bins \
      --package abacus-ingress --package abacus-processor --package abacus-projector \
      --package abacus-migrations --package abacus-admin \
 && mkdir /out \
 && cp target/release/abacus-ingress target/release/abacus-processor target/release/abacus-projector \
       target/release/abacus-migrate target/release/abacus-admin /out/

FROM debian:12.11-slim AS base
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates zlib1g \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --no-create-home abacus
USER 10001

# Asks a service's admin port whether it is ready, without a program of its own in the image.
FROM base AS service
COPY --chmod=0755 <<'SCRIPT' /usr/local/bin/is-ready
#!/bin/bash
exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
printf 'GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
read -r _ status _ <&3
[ "$status" = 200 ]
SCRIPT

FROM service AS ingress
COPY --from=build /out/abacus-ingress /usr/local/bin/
EXPOSE 8080 9080
ENTRYPOINT ["abacus-ingress"]

FROM service AS processor
COPY --from=build /out/abacus-processor /usr/local/bin/
EXPOSE 9081
ENTRYPOINT ["abacus-processor"]

FROM service AS projector
COPY --from=build /out/abacus-projector /usr/local/bin/
EXPOSE 9082
ENTRYPOINT ["abacus-projector"]

# The deploy steps: migrations, topics, schemas.
FROM base AS admin
COPY --from=build /out/abacus-migrate /out/abacus-admin /usr/local/bin/
CMD ["abacus-admin", "--help"]
