#!/usr/bin/env bash
# Rebuilds the fatbins beside it from the .cu files: NAME.fatbin is compiled with -O3, NAME-debug.fatbin with -O0 -G,
# which gives code of another shape, with lines of the source and DWARF sections. Each holds PTX for sm_75 and sm_90.
#
# Fatbins and not text: nvcc compresses what is in them, to a fifth, so that all of it can be in the tree as nvcc wrote
# it, and the tests read what programs ship. To see a text: nvcc -ptx with the same options.
set -euo pipefail
cd "$(dirname "$0")"

# Debug builds name the directory of the source: the same one wherever the tree is.
sources=/tmp/farwarp-corpus
mkdir -p "$sources"
cp ./*.cu "$sources"
architectures=(-gencode arch=compute_75,code=compute_75 -gencode arch=compute_90,code=compute_90)
for source in ${1:-*.cu}; do
  name="${source%.cu}"
  nvcc -O3 -fatbin "${architectures[@]}" "$sources/$source" -o "$name.fatbin"
  nvcc -O0 -G -fatbin "${architectures[@]}" "$sources/$source" -o "$name-debug.fatbin"
done
rm -r "$sources"
