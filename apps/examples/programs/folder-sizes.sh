#!/bin/sh
# Prints how many KiB each folder in a folder takes, one line of JSON each: `sh folder-sizes.sh FOLDER`.
set -eu
if [ ! -d "$1" ]; then
  echo "$1 is no folder" >&2
  exit 66
fi
total=$(find "$1" -mindepth 1 -maxdepth 1 -type d | wc -l)
done=0
for folder in "$1"/*/; do
  [ -d "$folder" ] || continue
  done=$((done + 1))
  printf '{"jobbers":"heartbeat","done":%d,"total":%d}\n' "$done" "$total"
  # A name may hold what JSON has to escape.
  name=$(basename "$folder" | sed 's/\\/\\\\/g; s/"/\\"/g')
  printf '{"folder":"%s","kib":%d}\n' "$name" "$(du -sk "$folder" | cut -f1)"
done
