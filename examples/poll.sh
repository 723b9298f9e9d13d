#!/bin/sh
# Follows a feed with curl and sed, and prints every answer that has notifications:
#   sh poll.sh 'http://127.0.0.1:3000/notifications?topic=orders' [cursor]
url=$1
cursor=${2:-latest}
while :; do
  # The first request only gets the current cursor, so it does not wait.
  if [ "$cursor" = latest ]; then wait=0; else wait=25; fi
  if page=$(curl --silent --show-error --fail --max-time 60 "$url&wait=$wait&cursor=$cursor"); then
    case $page in '{"notifications":[],'*) ;; *) printf '%s\n' "$page" ;; esac
    cursor=$(printf '%s' "$page" | sed 's/.*"cursor":"\([^"]*\)","more":.*/\1/')
  else
    sleep 1
  fi
done
