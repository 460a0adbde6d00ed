#!/usr/bin/env bash
# Puts packages into an apt repository and signs it:
#
#     deploy/apt/publish.sh KEY ADDRESS FOLDER FILE.deb…
#
# KEY is the identity of a secret key in gpg's keyring, ADDRESS where FOLDER will be reached (https://… or file:…). FOLDER
# is made at the first time and kept: it is all that a web server has to serve. In it lie affectd.list and affectd.asc,
# which each node gets. A version that is there already and not the same file is refused. Needs reprepro and gpg.
set -euo pipefail
if [ $# -lt 4 ]; then
    echo "publish.sh: usage: publish.sh KEY ADDRESS FOLDER FILE.deb…; make deb writes packages to dist/" >&2
    exit 2
fi
key=$1 address=$2 folder=$3
shift 3
for tool in reprepro gpg; do
    command -v "$tool" > /dev/null || { echo "publish.sh: no $tool; run: apt-get install $tool" >&2; exit 1; }
done
fingerprint=$(gpg --batch --with-colons --list-secret-keys "$key" 2> /dev/null | awk -F: '/^fpr:/ { print $10; exit }') || true
if [ -z "$fingerprint" ]; then
    echo "publish.sh: no secret key of $key in gpg's keyring; make one: gpg --quick-generate-key $key" >&2
    exit 1
fi

mkdir -p "$folder/conf"
cat > "$folder/conf/distributions" << END
Origin: affectd
Label: affectd
Codename: stable
Architectures: amd64 arm64
Components: main
Description: affectd for Debian 12 and 13 and Raspberry Pi OS
SignWith: $fingerprint
END
reprepro --silent --basedir "$folder" includedeb stable "$@"

gpg --batch --yes --armor --output "$folder/affectd.asc" --export "$fingerprint"
echo "deb [signed-by=/etc/apt/keyrings/affectd.asc] $address stable main" > "$folder/affectd.list"
# shellcheck disable=SC2016 # reprepro's own variables
echo "$folder: $(reprepro --basedir "$folder" --list-format '${version} (${architecture}) ' list stable affectd)"
echo "on each node: affectd.asc into /etc/apt/keyrings, affectd.list into /etc/apt/sources.list.d, apt-get update"
