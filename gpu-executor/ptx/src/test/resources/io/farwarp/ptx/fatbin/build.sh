#!/usr/bin/env bash
# Rebuilds the fatbins beside it from which.cu.
set -euo pipefail
cd "$(dirname "$0")"
ptx75="-gencode arch=compute_75,code=compute_75"
ptx90="-gencode arch=compute_90,code=compute_90"
cubins="-gencode arch=compute_80,code=sm_80 -gencode arch=compute_90,code=sm_90"
nvcc -fatbin --no-compress $ptx75 $ptx90 which.cu -o plain.fatbin
nvcc -fatbin $ptx75 $ptx90 which.cu -o zstandard.fatbin
nvcc -fatbin --compress-mode=speed $ptx75 which.cu -o lz4.fatbin
nvcc -fatbin $cubins which.cu -o cubins.fatbin
nvcc -fatbin -DTENSOR_CORES $ptx75 $ptx90 which.cu -o tensor-cores.fatbin
