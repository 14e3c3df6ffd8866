#!/bin/sh
# Runs a command on another host, as far as the network can tell, on which everything is set
# the other way round than tests/networks/sysctl.conf has it:
#
#     tests/networks/other-host.sh npm --prefix tests run networks
#
# That host is a namespace, so this machine is left as it is, but for one value while the command
# runs: namespaces that are made now copy their settings from where they are made.
set -eu
[ "$(id -u)" -eq 0 ] || { echo "only root can make another host" >&2; exit 1; }
inherit=net.core.devconf_inherit_init_net
before=$(sysctl -n $inherit)
trap 'sysctl -qw $inherit="$before"' EXIT
trap 'exit 1' HUP INT TERM
sysctl -qw $inherit=3
unshare --net sh -ec '
    ip link set lo up mtu 1500
    ip link add eth0 mtu 1280 type veth peer name other-end
    ip address add 192.0.2.99/24 dev eth0
    ip link set eth0 up
    ip link set other-end up
    ip route add default dev eth0
    sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv6.bindv6only=1 \
        net.ipv4.ip_local_port_range="20000 20999"
    for scope in all default lo eth0; do
        sysctl -qw net.ipv4.conf.$scope.rp_filter=1 net.ipv4.conf.$scope.proxy_arp=1 \
            net.ipv4.conf.$scope.arp_ignore=8 net.ipv4.conf.$scope.arp_filter=1 \
            net.ipv4.conf.$scope.arp_announce=2 net.ipv6.conf.$scope.accept_ra=2 \
            net.ipv6.conf.$scope.accept_dad=2 net.ipv6.conf.$scope.disable_ipv6=1
    done
    exec "$@"
' other-host "$@"
