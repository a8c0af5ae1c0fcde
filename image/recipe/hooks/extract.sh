#!/bin/sh
# When the essential packages' files are there, and none is configured. $1: the root.
#
# The image's programs are for another processor and run emulated here. Those that do nothing but move and read files may
# be the builder's own instead, while it is built: dpkg, which unpacks everything, and kmod, which reads every driver.
# They are laid aside by diversions, and come back in customize.sh. dpkg is told at compile time which processor it is on,
# so in our copy that word is changed; both have five letters.
set -eu
root=$1
[ "$(dpkg --print-architecture)" = amd64 ] || exit 0
at=/usr/lib/shelfwire-native
mkdir -p "$root$at" "$root/var/lib/dpkg"
for program in dpkg dpkg-deb kmod; do
    real=$(command -v "$program" || true)
    if [ -z "$real" ]; then continue; fi
    LC_ALL=C sed 's/amd64\x00/arm64\x00/' "$real" > "$root$at/$program"
    chmod 755 "$root$at/$program"
    ldd "$real" | awk '/=> \//{print $3}' | while read -r library; do cp -L "$library" "$root$at/"; done
    if [ -e "$root/usr/bin/$program" ]; then mv "$root/usr/bin/$program" "$root/usr/bin/$program.distrib"; fi
    printf '/usr/bin/%s\n/usr/bin/%s.distrib\n:\n' "$program" "$program" >> "$root/var/lib/dpkg/diversions"
    printf '#!/bin/sh\nexec %s/ld.so --argv0 "${0##*/}" --library-path %s %s/%s "$@"\n' $at $at $at "$program" \
        > "$root/usr/bin/$program"
    chmod 755 "$root/usr/bin/$program"
done
cp -L /lib64/ld-linux-x86-64.so.2 "$root$at/ld.so"
