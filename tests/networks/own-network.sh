#!/bin/sh
# Runs a command on a machine of its own, as far as the network can tell: loopback, and one
# interface with an address. On loopback alone the clients would not be themselves: libnice
# sends UDP by the interface only, so GStreamer would always fall back to TCP.
exec unshare --user --map-root-user --net sh -ec '
    # Addresses are there at once: Chromium takes a late one for another network.
    sysctl -qw net.ipv6.conf.default.accept_dad=0
    ip link set lo up
    ip link add eth0 type veth peer name other-end
    ip address add 192.0.2.10/24 dev eth0
    ip link set eth0 up
    ip link set other-end up
    ip route add default dev eth0
    exec "$@"
' own-network "$@"
