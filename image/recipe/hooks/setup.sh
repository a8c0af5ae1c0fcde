#!/bin/sh
# Before any package is unpacked. $1: the root. $2: this recipe's folder.
# The initrd holds a list of modules, not a guess; this must stand before the kernel's package looks for it.
set -eu
root=$1 recipe=$2
mkdir -p "$root/etc/apt/preferences.d"
cp "$recipe/preferences.pref" "$root/etc/apt/preferences.d/shelfwire.pref"
mkdir -p "$root/etc/initramfs-tools/conf.d" "$root/usr/share/initramfs-tools/modules.d" "$root/boot/firmware"
printf 'MODULES=list\nCOMPRESS=zstd\nCOMPRESSLEVEL=6\nRESUME=none\nFSTYPE=squashfs\n' > "$root/etc/initramfs-tools/conf.d/shelfwire"
grep -v '^#' "$recipe/initrd-modules.txt" > "$root/usr/share/initramfs-tools/modules.d/shelfwire"
