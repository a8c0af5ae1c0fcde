#!/bin/sh
# When all packages are there. $1: the root. What the two hooks before this laid down for the build goes.
set -eu
root=$1
if [ -d "$root/usr/lib/shelfwire-native" ]; then
    mv "$root/usr/lib/shelfwire-native/dpkg-deb.target" "$root/usr/bin/dpkg-deb"
    rm -rf "$root/usr/lib/shelfwire-native"
fi
rm -f "$root/usr/sbin/policy-rc.d"
