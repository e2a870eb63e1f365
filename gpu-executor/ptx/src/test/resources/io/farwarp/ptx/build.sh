#!/usr/bin/env bash
# Rebuilds the .ptx files beside it from the .cu files. The text is given the lowest version and
# target that ptxas accepts for it, since older drivers reject what a new nvcc writes.
set -euo pipefail
cd "$(dirname "$0")"
for source in *.cu; do
  name="${source%.cu}"
  nvcc -O3 -arch=sm_75 -ptx "$source" -o "$name.ptx"
  sed -i -e 's/^\.version .*/.version 6.3/' -e '/^\/\//d' "$name.ptx"
  ptxas -arch=sm_75 "$name.ptx" -o /dev/null
done
nvcc -O3 -arch=sm_75 -use_fast_math -ptx finance.cu -o finance-fast.ptx
sed -i -e 's/^\.version .*/.version 6.3/' -e '/^\/\//d' finance-fast.ptx
ptxas -arch=sm_75 finance-fast.ptx -o /dev/null
