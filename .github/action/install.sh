#!/usr/bin/env bash
# Install meshlint into an environment of its own and put it on the PATH of the steps that follow.
# Reads MESHLINT_VERSION, GITHUB_ACTION_PATH, RUNNER_TEMP; writes GITHUB_PATH.
# It runs in the repository under test: -I keeps Python from importing a venv.py or pip/ of that folder.
set -euo pipefail

fail() { echo "::error title=meshlint::$1"; exit 2; }

python=$(command -v python3 || command -v python) || fail "there is no Python on this runner: use actions/setup-python before"
"$python" -I -c 'import sys; sys.exit(sys.version_info < (3, 10))' || fail "$("$python" --version) is too old: use actions/setup-python with 3.10 or later"

environment="$RUNNER_TEMP/meshlint"
"$python" -I -m venv "$environment" || fail "$python cannot make a virtual environment: use actions/setup-python before"
bin="$environment/bin"
[ -d "$bin" ] || bin="$environment/Scripts" # Windows
"$bin/python" -I -m pip install --quiet --disable-pip-version-check "${MESHLINT_VERSION:-$GITHUB_ACTION_PATH}"
echo "$bin" >> "$GITHUB_PATH"
"$bin/meshlint" --version
