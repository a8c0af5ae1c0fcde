#!/bin/sh
# When the essential packages' files are there, and none is configured. $1: the root. $2: this recipe's folder. $3: the
# builder's own programs as in a root, if it is of another kind.
#
# The image's programs are for another processor and run emulated here, a hundred times slower to begin. Those that only
# move and read files and texts may run as the builder's processor understands them, while the image is built: the shell
# and perl, in which packages configure themselves, and what these call. Their loader and libraries lie where those of
# another processor may lie beside the image's own. They are laid aside by diversions, and all of it goes in
# customize.sh. dpkg was told its processor at its compilation, so in our copy that word is changed: both have five
# letters.
set -eu
root=$1 recipe=$2 native=${3:-}
[ -n "$native" ] || exit 0
libraries=usr/lib/x86_64-linux-gnu
mkdir -p "$root/$libraries" "$root/usr/lib64" "$root/var/lib/dpkg"
ln -s usr/lib64 "$root/lib64"
cp -L "$native/usr/lib64/ld-linux-x86-64.so.2" "$root/usr/lib64/"
cp -a "$native/$libraries/." "$root/$libraries/"

grep -v '^#' "$recipe/native-programs.txt" | while read -r program; do
    if [ -e "$root/usr/bin/$program" ]; then mv "$root/usr/bin/$program" "$root/usr/bin/$program.distrib"; fi
    printf '/usr/bin/%s\n/usr/bin/%s.distrib\n:\n' "$program" "$program" >> "$root/var/lib/dpkg/diversions"
    case $program in
        dpkg*) LC_ALL=C sed 's/amd64\x00/arm64\x00/' "$native/usr/bin/$program" > "$root/usr/bin/$program" ;;
        *) cat "$native/usr/bin/$program" > "$root/usr/bin/$program" ;;
    esac
    chmod 755 "$root/usr/bin/$program"
done
