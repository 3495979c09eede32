#!/bin/sh
# The machine of a one-node cluster: machine.sh KUBE, in the folder of its configuration.
# It runs as process 1 of namespaces of its own (mounts, network, processes), so that all that kubelet, kube-proxy and
# containerd leave behind (mounts, rules of iptables, interfaces, containers) is gone when this one process is.
set -eu
kube=$1

mount --make-rshared /
mkdir containerd
# In memory: containerd writes every layer twice and waits for the disk each time.
for folder in /run /var/lib /var/log "$PWD/containerd"; do mount -t tmpfs tmpfs "$folder"; done

# A machine of which a part has ended ends, too, and its log says why.
trap 'exit 1' TERM
run() {
  name=$1; shift
  { "$@" > "log/$name" 2>&1 || true; echo "$name has ended: $(tail -n 3 "log/$name")"; kill $$; } &
}
# Without these no pod starts or is reached, which else only logs would say.
iptables -t nat -n -L > log/iptables
if test -e /sys/fs/cgroup/cgroup.controllers; then cgroups=/sys/fs/cgroup; else cgroups=/sys/fs/cgroup/memory; fi
rmdir "$(mktemp -d -p "$cgroups")"
run containerd containerd --config containerd.toml

until test -s address; do sleep 0.02; done # by then the cable is plugged in, and there is an API server
read -r address < address
ip link set lo up
ip address add "$address/30" dev eth0
ip link set eth0 up
echo 1 > /proc/sys/net/ipv4/ip_forward

run kubelet "$kube" kubelet --config kubelet.json --kubeconfig kubelet.kubeconfig --hostname-override node \
  --node-ip "$address" --root-dir "$PWD/kubelet"
run kube-proxy "$kube" kube-proxy --config kube-proxy.json
run coredns "$kube" coredns -conf Corefile
wait
