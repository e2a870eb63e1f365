#!/usr/bin/env bash
# Rebuilds kernels.ptx from kernels.cu, with the lowest version and target that ptxas accepts for it.
set -euo pipefail
cd "$(dirname "$0")"
root=$(git rev-parse --show-toplevel)
nvcc -O3 -arch=sm_75 -I "$root/samples/black-scholes" -ptx kernels.cu -o kernels.ptx
sed -i -e 's/^\.version .*/.version 6.3/' -e '/^\/\//d' -e '/./,$!d' kernels.ptx
ptxas -arch=sm_75 kernels.ptx -o /dev/null
