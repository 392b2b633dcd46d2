#!/bin/sh
# Makes the certificates of the TLS tests anew, valid for a hundred years. They protect nothing.
set -eu
cd "$(dirname "$0")"
days=36500

authority() { # name
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days $days \
    -subj "/CN=Jobbers test authority $1" -keyout "$1-key.tmp" -out "$1.pem" 2>/dev/null
}

certificate() { # name, its authority, the host that it is for
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=jobbers test $1" \
    -keyout "$1-key.pem" -out "$1.tmp" 2>/dev/null
  echo "subjectAltName=$3" > ext.tmp
  openssl x509 -req -in "$1.tmp" -CA "$2.pem" -CAkey "$2-key.tmp" -CAcreateserial -days $days \
    -extfile ext.tmp -out "$1.pem" 2>/dev/null
}

authority ca
authority other-ca
certificate server ca IP:127.0.0.1,DNS:localhost
certificate elsewhere ca DNS:redis.example
certificate client ca DNS:worker.example
rm -f ./*.tmp ./*.srl
