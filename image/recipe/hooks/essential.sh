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
    # Not x: the package that makes gshadow of it takes over the word, and x there is a password.
    printf '%s:*:%s:\n' "$name" "$id" >> "$root/etc/group"
done

# No service is started here, and no host keys are made (trimmed again, and checked for).
printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
mkdir -p "$root/etc/ssh"
for kind in rsa ecdsa ed25519; do : > "$root/etc/ssh/ssh_host_${kind}_key"; done
