#!/bin/sh
# When all packages are there. $1: the root. What the hooks before this laid down for the build goes.
set -eu
root=$1
for each in "$root"/usr/bin/*.distrib; do
    if [ -e "$each" ]; then mv -f "$each" "${each%.distrib}"; fi
done
rm -rf "$root/usr/lib/x86_64-linux-gnu" "$root/usr/lib64" "$root/lib64"
if [ -e "$root/var/lib/dpkg/diversions" ]; then
    awk 'NR%3==1{d=$0; next} NR%3==2{t=$0; next} {if (t !~ /\.distrib$/ || $0 != ":") print d "\n" t "\n" $0}' \
        "$root/var/lib/dpkg/diversions" > "$root/var/lib/dpkg/diversions.new"
    mv "$root/var/lib/dpkg/diversions.new" "$root/var/lib/dpkg/diversions"
fi
rm -f "$root/usr/sbin/policy-rc.d" "$root"/etc/ssh/ssh_host_*
