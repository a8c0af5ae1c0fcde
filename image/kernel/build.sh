#!/bin/sh
# Compiles the modules inside a small Debian. $1: its root. $2: this folder. $3: kernel's release. $4: where they go.
# Only a folder inside is known to the compiler, so that no path of the builder's comes into a module.
set -eu
root=$1 here=$2 release=$3 target=$4
mkdir -p "$root/build"
cp -R "$here/Kbuild" "$here/throttled" "$here/tryboot" "$root/build/"
chroot "$root" make -C "/usr/src/linux-headers-$release" M=/build ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- \
    KBUILD_BUILD_USER=shelfwire KBUILD_BUILD_HOST=shelfwire modules
for name in throttled tryboot; do
    chroot "$root" aarch64-linux-gnu-strip --strip-debug "/build/$name/shelfwire_$name.ko"
    cp "$root/build/$name/shelfwire_$name.ko" "$target/"
done
