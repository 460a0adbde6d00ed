#!/bin/sh
# Makes the secrets that compose.yaml mounts, each for the one container that reads it:
#   sudo deploy/compose/prepare.sh BROKER NODE...      BROKER is this machine's name or address as the nodes know it.
# Run again, it adds nodes and keeps every secret.
set -eu
if [ $# -lt 1 ] || [ "$(id -u)" -ne 0 ]; then
    echo "usage: sudo $0 BROKER NODE...   for example: sudo $0 broker.lan kitchen hall" >&2
    exit 1
fi
cd "$(dirname "$0")"
umask 077
broker=$1
shift
for node; do
    set -- "$@" --node "$node"
    shift
done
python3 ../mosquitto/make_broker.py --folder house --seen-at /mosquitto/affectd --host "$broker" --host mosquitto "$@"
[ -s house/grafana-password ] || openssl rand -base64 24 > house/grafana-password
# The users of the images: eclipse-mosquitto, our Dockerfile, grafana.
chown -R 1883:1883 house/broker
chown -R 10001:10001 house/hand_out/server
chown 472:472 house/grafana-password
if [ ! -s house/prometheus-token ]; then
    touch house/prometheus-token # compose wants it there
    docker compose build server
    docker compose run --rm --no-deps --no-TTY server token create prometheus > house/prometheus-token.part
    mv house/prometheus-token.part house/prometheus-token
fi
chown 65534:65534 house/prometheus-token
echo
echo "Now: docker compose -f $PWD/compose.yaml up --detach"
echo "A token for you: docker compose -f $PWD/compose.yaml run --rm --no-deps server token create NAME"
echo "Grafana: http://localhost:3000, user admin, its password in $PWD/house/grafana-password"
