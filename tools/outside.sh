#!/usr/bin/env bash
# Makes the Python environment of the outside judges (aws, moto): called by
# "make outside" with the interpreter, the place and the list of requirements.
set -euo pipefail
python=$1 venv=$2 requirements=$3

apt_install() {
	if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
		return 1
	fi
	echo 'no usable python3 with venv and pip: installing python3-venv' >&2
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y python3-venv >/dev/null
}

make_venv() { "$python" -m venv --clear "$venv"; }

echo "installing the outside judges into $venv (a minute or two)"
if ! make_venv; then
	apt_install
	make_venv
fi
# Everything is pinned, so nothing is resolved; the check proves it whole.
if ! "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps -r "$requirements" ||
	! "$venv/bin/python" -m pip check --disable-pip-version-check; then
	rm -rf "$venv" # Half an environment would be found and would fail.
	exit 1
fi
touch "$venv/.done"
