#!/usr/bin/env bash
# Installs the servers that mcp-soak did not write, by their lock file, into this folder and nowhere else.
set -euo pipefail
cd "$(dirname "$0")"
npm ci --ignore-scripts
