#!/bin/sh
# When the essential packages are there and the others are to come. $1: the root. $2: this recipe's folder.
set -eu
root=$1 recipe=$2

# Accounts whose numbers must be the same in every image.
grep -v '^#' "$recipe/ids.txt" | while read -r kind name id home; do
    if [ "$kind" = u ]; then
        printf '%s:x:%s:%s::%s:/usr/sbin/nologin\n' "$name" "$id" "$id" "$home" >> "$root/etc/passwd"
        printf '%s:!:1::::::\n' "$name" >> "$root/etc/shadow"
    fi
    printf '%s:x:%s:\n' "$name" "$id" >> "$root/etc/group"
    if [ -e "$root/etc/gshadow" ]; then printf '%s:!::\n' "$name" >> "$root/etc/gshadow"; fi
done

# No service is started here.
printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"

# Packages are unpacked by the builder's own dpkg-deb where the image's would be emulated: a third of the time.
if [ "$(dpkg --print-architecture)" = amd64 ]; then
    native="$root/usr/lib/shelfwire-native"
    mkdir -p "$native"
    cp /usr/bin/dpkg-deb "$native/"
    ldd /usr/bin/dpkg-deb | awk '/=> \//{print $3}' | while read -r library; do cp -L "$library" "$native/"; done
    cp -L /lib64/ld-linux-x86-64.so.2 "$native/ld.so"
    mv "$root/usr/bin/dpkg-deb" "$native/dpkg-deb.target"
    at=/usr/lib/shelfwire-native
    printf '#!/bin/sh\nexec %s/ld.so --library-path %s %s/dpkg-deb "$@"\n' $at $at $at > "$root/usr/bin/dpkg-deb"
    chmod 755 "$root/usr/bin/dpkg-deb"
fi
