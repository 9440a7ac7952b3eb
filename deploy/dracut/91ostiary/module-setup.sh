#!/bin/bash
# dracut's module: the agent, its file and the volumes of /etc/ostiary/disks in the initrd. Copy the folder to
# /usr/lib/dracut/modules.d, and say `rd.neednet=1 ip=dhcp` on the measured command line.

check() {
    require_binaries cryptsetup || return 1
    [ -e "${dracutsysrootdir-}/etc/ostiary/agent.toml" ] || return 1
    return 255
}

depends() {
    echo systemd dm
}

installkernel() {
    instmods dm_crypt dm_integrity xts aesni_intel hmac sha256_generic configfs tsm sev-guest virtio_net virtio_blk
}

install() {
    local conf name
    # One executable, or a program of Node's with what it runs by.
    inst_multiple cryptsetup ostiary
    [ -z "${OSTIARY_NODE-}" ] || inst_binary "$OSTIARY_NODE" /usr/bin/node
    [ -z "${OSTIARY_SCRIPT-}" ] || inst_simple "$OSTIARY_SCRIPT"
    for conf in "${dracutsysrootdir-}"/etc/ostiary/*; do
        [ -f "$conf" ] && inst_simple "${conf#"${dracutsysrootdir-}"}"
    done
    inst_simple "$moddir/ostiary-unlock@.service" "$systemdsystemunitdir/ostiary-unlock@.service"
    for conf in "${dracutsysrootdir-}"/etc/ostiary/disks/*.conf; do
        [ -f "$conf" ] || continue
        inst_simple "${conf#"${dracutsysrootdir-}"}"
        name=$(basename "$conf" .conf)
        mkdir -p "$initdir/$systemdsystemunitdir/initrd.target.wants"
        ln -sfn "../ostiary-unlock@.service" "$initdir/$systemdsystemunitdir/initrd.target.wants/ostiary-unlock@$name.service"
    done
}
