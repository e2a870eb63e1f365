#!/usr/bin/env bash
# Rebuilds the .ptx files beside it from the .cu files. The text is given the lowest version and
# target that ptxas accepts for it, since older drivers reject what a new nvcc writes.
set -euo pipefail
cd "$(dirname "$0")"

# Takes out comments and, of a debug build, what describes the source: it names files of the host.
tidy() {
  sed -i -e 's/^\.version .*/.version 6.3/' -e 's/^\.target \(sm_[0-9]*\), debug/.target \1/' \
    -e '/^\/\//d' -e '/^\t*\.file/,$d' -e '/^\t\.loc\t/d' "$1"
  ptxas -arch=sm_75 "$1" -o /dev/null
}

for source in *.cu; do
  name="${source%.cu}"
  nvcc -O3 -arch=sm_75 -ptx "$source" -o "$name.ptx"
  tidy "$name.ptx"
done
nvcc -O3 -arch=sm_75 -use_fast_math -ptx finance.cu -o finance-fast.ptx
tidy finance-fast.ptx
# Unoptimised code has other shapes: calls that wait, generic addresses, variables in local memory.
nvcc -O0 -G -arch=sm_75 -ptx cooperation.cu -o cooperation-debug.ptx
tidy cooperation-debug.ptx
