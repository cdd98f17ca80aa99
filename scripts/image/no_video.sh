#!/usr/bin/env bash
# Put empty libraries in place of the FFmpeg that OpenCV's wheel brings: scripts/image/no_video.sh ENVIRONMENT
# 33 MB, and the decoders of every video format together with an OpenSSL 1.1, in services that are sent pictures alone.
# Each name that OpenCV looks up is there, and leads nowhere: a program that opened a video would crash there and then.
set -euo pipefail
cd "$1"/lib/python3*/site-packages
bundled=$PWD/opencv_python_headless.libs
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Lines such as `avcodec_open2 LIBAVCODEC_62`.
nm --dynamic --undefined-only cv2/cv2.abi3.so | sed -n 's/^ *U \(.*\)@\(LIB\(AV\|SW\).*\)$/\1 \2/p' >"$work/wanted"
for library in "$bundled"/lib{avcodec,avformat,avutil,swscale}-*; do
    name=$(basename "$library")
    kind=${name%%-*}
    grep " ${kind^^}_" "$work/wanted" >"$work/names"
    awk '{print ".globl " $1 "\n" $1 ":"} BEGIN {print ".data"} END {print ".quad 0"}' "$work/names" | as -o "$work/empty.o"
    awk '{names = names $1 "; "} END {print $2 " { global: " names "};"}' "$work/names" >"$work/versions"
    ld -shared --soname="$name" --version-script="$work/versions" -o "$library" "$work/empty.o"
done
rm "$bundled"/lib{swresample,vpx,drm,ssl,crypto}-*
