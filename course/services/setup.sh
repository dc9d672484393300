#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the autograder's image.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

missing=()
command -v bwrap >/dev/null || missing+=(bubblewrap)
python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
if [ ${#missing[@]} -gt 0 ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi
python3 -m venv /opt/grader
/opt/grader/bin/python -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"
# where the container forbids a sandbox, answers run as a user who can read no test
id student >/dev/null 2>&1 || useradd --system --no-create-home student
chmod -R go= "$here"
