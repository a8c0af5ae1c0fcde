#!/bin/sh
# When the essential packages' files are there, and none is configured. $1: the root.
#
# The image's programs are for another processor and run emulated here, a hundred times slower to begin. Those that only
# move and read files and texts may be the builder's own instead, while it is built: the shell and perl, in which
# packages configure themselves, what these call, dpkg, and kmod, which reads every driver. They find their loader and
# libraries where another processor's may lie beside the image's own. They are laid aside by diversions, and all of it
# goes in customize.sh. What tells on which processor it runs (uname, ldd, python) stays emulated; dpkg has been told at
# its compilation, so in our copy that word is changed: both have five letters.
set -eu
root=$1
[ "$(dpkg --print-architecture)" = amd64 ] || exit 0
libraries=/usr/lib/x86_64-linux-gnu
mkdir -p "$root$libraries" "$root/usr/lib64" "$root/var/lib/dpkg"
ln -s usr/lib64 "$root/lib64"
cp -L /lib64/ld-linux-x86-64.so.2 "$root/usr/lib64/"

while read -r program; do
    real=$(command -v "$program" || true)
    if [ -z "$real" ]; then continue; fi
    real=$(readlink -f "$real")
    if [ -e "$root/usr/bin/$program" ]; then mv "$root/usr/bin/$program" "$root/usr/bin/$program.distrib"; fi
    printf '/usr/bin/%s\n/usr/bin/%s.distrib\n:\n' "$program" "$program" >> "$root/var/lib/dpkg/diversions"
    case "$program" in
        dpkg*) LC_ALL=C sed 's/amd64\x00/arm64\x00/' "$real" > "$root/usr/bin/$program" ;;
        *) cat "$real" > "$root/usr/bin/$program" ;;
    esac
    chmod 755 "$root/usr/bin/$program"
    ldd "$real" | awk '/=> \//{print $3}' | while read -r library; do cp -nL "$library" "$root$libraries/"; done
done < "$2/native-programs.txt"

# Perl's own modules are of its version: all of them below the one folder that goes again.
version=$(perl -MConfig -e 'print "$Config{PERL_REVISION}.$Config{PERL_VERSION}"')
cp -a "$libraries/perl-base" "$root$libraries/"
for each in "$libraries/perl/$version" "/usr/share/perl/$version"; do
    if [ -d "$each" ]; then
        mkdir -p "$root$libraries/perl5/$version"
        cp -a "$each/." "$root$libraries/perl5/$version/"
    fi
done
