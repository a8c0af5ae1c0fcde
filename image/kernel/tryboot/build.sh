#!/bin/sh
# Compiles the module inside a small Debian. $1: its root. $2: this folder. $3: the kernel's release. $4: where it goes.
# Only the folder of the same name inside is known to the compiler, so that no path of the builder's comes into the module.
set -eu
root=$1 here=$2 release=$3 target=$4
mkdir -p "$root/build"
cp "$here/shelfwire_tryboot.c" "$here/Kbuild" "$root/build/"
chroot "$root" make -C "/usr/src/linux-headers-$release" M=/build ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- \
    KBUILD_BUILD_USER=shelfwire KBUILD_BUILD_HOST=shelfwire modules
chroot "$root" aarch64-linux-gnu-strip --strip-debug /build/shelfwire_tryboot.ko
cp "$root/build/shelfwire_tryboot.ko" "$target"
