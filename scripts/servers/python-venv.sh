#!/usr/bin/env bash
# python-venv.sh FOLDER PACKAGE...: a virtual environment with these packages; FOLDER/.complete lists them when it is whole.
set -euo pipefail
folder=$1; shift
[ -x "$folder/bin/pip" ] || python3 -m venv "$folder"
"$folder/bin/pip" install -q --disable-pip-version-check "$@"
printf %s "$*" >"$folder/.complete"
