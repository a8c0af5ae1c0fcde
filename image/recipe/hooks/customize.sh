#!/bin/sh
# When all packages are there. $1: the root. What the hooks before this laid down for the build goes.
set -eu
root=$1
for program in dpkg dpkg-deb kmod; do
    if [ -e "$root/usr/bin/$program.distrib" ]; then mv -f "$root/usr/bin/$program.distrib" "$root/usr/bin/$program"; fi
done
rm -rf "$root/usr/lib/shelfwire-native"
if [ -e "$root/var/lib/dpkg/diversions" ]; then
    awk 'NR%3==1{d=$0; next} NR%3==2{t=$0; next} {if (t !~ /\/(dpkg|dpkg-deb|kmod)\.distrib$/) print d "\n" t "\n" $0}' \
        "$root/var/lib/dpkg/diversions" > "$root/var/lib/dpkg/diversions.new"
    mv "$root/var/lib/dpkg/diversions.new" "$root/var/lib/dpkg/diversions"
fi
rm -f "$root/usr/sbin/policy-rc.d" "$root"/etc/ssh/ssh_host_*
