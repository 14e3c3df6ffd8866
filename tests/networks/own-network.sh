#!/bin/sh
# Runs a command on a machine of its own, as far as the network can tell: loopback, and one
# interface with an address. On loopback alone the clients would not be themselves: libnice
# sends UDP by the interface only, so GStreamer would always fall back to TCP.
namespace='--user --map-root-user --net'
# Who is root needs no leave to be it, which some machines do not give.
[ "$(id -u)" -ne 0 ] || namespace=--net
# shellcheck disable=SC2086
exec unshare $namespace sh -ec '
    sysctl -qp "$1"
    shift
    ip link set lo up
    ip link add eth0 type veth peer name other-end
    ip address add 192.0.2.10/24 dev eth0
    ip link set eth0 up
    ip link set other-end up
    ip route add default dev eth0
    exec "$@"
' own-network "$(dirname "$0")/sysctl.conf" "$@"
