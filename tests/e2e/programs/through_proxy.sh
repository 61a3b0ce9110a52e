#!/bin/sh
# Starts nginx or haproxy on 127.0.0.1:8080, which resolves its upstream's name
# once as it starts, fetches a page through it (or runs the command instead), and
# stops it. The proxy runs under whatever is preloaded, the rest plainly.
#   through_proxy.sh nginx|haproxy HOST PORT [COMMAND [ARGUMENT]...]
set -eu
proxy=$1 host=$2 port=$3
shift 3
[ $# -gt 0 ] || set -- curl -sSf http://127.0.0.1:8080/
folder=$(mktemp -d)
listen=8080
case $proxy in
  nginx)
    cat > "$folder/conf" <<CONF
daemon off;
user $(id -un);
pid $folder/pid;
error_log $folder/log;
worker_processes 2;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path $folder;
  proxy_temp_path $folder;
  fastcgi_temp_path $folder;
  uwsgi_temp_path $folder;
  scgi_temp_path $folder;
  upstream site { server $host:$port; }
  server {
    listen 127.0.0.1:$listen;
    location / { proxy_pass http://site; }
  }
}
CONF
    /usr/sbin/nginx -e "$folder/log" -c "$folder/conf" \
      > "$folder/out" 2>&1 & ;;
  haproxy)
    cat > "$folder/conf" <<CONF
global
  maxconn 100
defaults
  mode http
  timeout connect 30s
  timeout client 30s
  timeout server 30s
listen site
  bind 127.0.0.1:$listen
  server upstream $host:$port
CONF
    /usr/sbin/haproxy -q -f "$folder/conf" > "$folder/out" 2>&1 & ;;
esac
child=$!
trap 'kill $child 2>/dev/null; wait $child 2>/dev/null || :
  rm -rf "$folder"' EXIT
unset LD_PRELOAD
i=0
until nc -z 127.0.0.1 $listen; do
  i=$((i + 1))
  if [ $i -gt 200 ] || ! kill -0 $child 2>/dev/null; then
    cat "$folder/out" "$folder/log" >&2 || :
    exit 1
  fi
  sleep 0.02
done
"$@" || { cat "$folder/log" >&2; exit 1; }
