# Debian's Mosquitto for docker/compose.yaml, as the user that the gate has too: so it may use the socket between them.
ARG DEBIAN=docker.io/library/debian:bookworm-slim
FROM ${DEBIAN}
RUN apt-get update \
 && apt-get install -y --no-install-recommends mosquitto \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -m 700 -o 65532 -g 65532 /run/mosquitto /var/lib/mosquitto
USER 65532:65532
ENTRYPOINT ["/usr/sbin/mosquitto", "-c", "/etc/mosquitto/mosquitto.conf"]
