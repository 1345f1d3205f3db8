#!/bin/sh
# Unpacks the folder that this script lies in, and runs the check: sh DIR/run.sh [OPTIONS of `cargo xtask gpu-check`].
# It needs neither cargo nor a package registry; for CUDA the machine's own CUDA 13 and cuDNN 9, here those of a Python package.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=${GPU_CHECK_WORK:-$HOME/gpu-check}
mkdir -p "$work"
for file in "$here"/*; do
    name=$(basename "$file")
    case $name in
    *.xz)
        if command -v xz >/dev/null; then
            xz -dc "$file" >"$work/${name%.xz}"
        else
            python3 -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.argv[1]), open(sys.argv[2], "wb"), 1 << 24)' \
                "$file" "$work/${name%.xz}"
        fi
        ;;
    *) cp -R "$file" "$work/" ;;
    esac
done
if [ -f "$work/models.tar" ]; then tar -C "$work" -xf "$work/models.tar"; fi
chmod +x "$work/sim" "$work/xtask"
for library in "$work"/libonnxruntime.so.*; do ORT_DYLIB_PATH=$library; done
libraries=$(python3 -c 'import nvidia; print(list(nvidia.__path__)[0])' 2>/dev/null || true)
LD_LIBRARY_PATH=${libraries:+$libraries/cu13/lib:$libraries/cudnn/lib:}${LD_LIBRARY_PATH:-}:/usr/local/nvidia/lib64
export ORT_DYLIB_PATH LD_LIBRARY_PATH
exec "$work/xtask" gpu-check "$@"
