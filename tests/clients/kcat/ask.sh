#!/bin/sh
# kcat: asks for the square of a googol.
#
#     ask.sh none
#
# Writes one request in the named codec, and prints the value of the reply: a ComputeCompleted, in Avro.
# kcat reads Avro, with -s and -r, only in builds with libserdes; Debian's build has no libserdes. The
# script therefore writes Avro by hand. The reply topic must be the caller's own.
set -eu

codec=${1:-none}
kafka=${ABACUS_KAFKA_BOOTSTRAP:-127.0.0.1:9092}
registry=${ABACUS_REGISTRY_URL:-http://127.0.0.1:8081/apis/ccompat/v7}
request_topic=${ABACUS_REQUEST_TOPIC:-abacus.compute.requested.v1}
reply_topic=${ABACUS_REPLY_TOPIC:-abacus.replies.example}

request_id=$(cat /proc/sys/kernel/random/uuid)
correlation_id=$(cat /proc/sys/kernel/random/uuid)
googol=1$(printf '%0100d' 0)
now=$(date +%s)

byte() {
    printf "\\$(printf '%03o' "$1")"
}

# A non-negative number: doubled (zigzag), then seven bits a byte, lowest bits first.
long() {
    left=$(($1 * 2))
    while [ "$left" -ge 128 ]; do
        byte $((left % 128 + 128))
        left=$((left / 128))
    done
    byte "$left"
}

# ASCII only: the length counts bytes.
string() {
    long ${#1}
    printf '%s' "$1"
}

schema_id=$(curl -fsS "$registry/subjects/$request_topic-value/versions/latest" |
    sed 's/.*"id": *\([0-9]*\).*/\1/')

request() {
    byte 0 # the Confluent wire format
    for shift in 24 16 8 0; do byte $((schema_id >> shift & 255)); done
    string "$request_id"
    string pow # operation
    long 2     # operands
    string base && string "$googol"
    string exponent && string 2
    long 0
    long 0 # no requester
    string kcat # source
    long $((now * 1000000)) # requested_at, in microseconds
}

# A delimiter ends a record of standard input, and a request may hold any byte. A file is one record.
file=$(mktemp)
trap 'rm -f "$file"' EXIT
request >"$file"
kcat -P -b "$kafka" -t "$request_topic" -k "$request_id" -z "$codec" -X enable.idempotence=true \
    -H "correlation-id=$correlation_id" -H "reply-topic=$reply_topic" -H reply-partition=0 "$file"
# Kafka finds the position of the first record since the start of the script.
timeout 30 kcat -C -q -u -b "$kafka" -t "$reply_topic" -p 0 -o "s@${now}000" -c 1 -f '%s'
