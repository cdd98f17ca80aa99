#!/usr/bin/env bash
# Take out of an environment what no service needs at run time: scripts/image/slim.sh ENVIRONMENT
# Licences and metadata of the packages stay: they are owed, and the SBOM is made of them.
set -euo pipefail
cd "$1"/lib/python3*/site-packages
# Symbols of a debugger. What auditwheel bundled (*.libs) is stripped already, and does not survive it twice.
find . -name '*.so' -type f -not -path '*.libs/*' | while read -r library; do
    if readelf --sections --wide "$library" | grep -q ' \.symtab '; then strip --strip-unneeded "$library"; fi
done
find . -type f \( -name '*.pyi' -o -name '*.pxd' -o -name '*.pyx' -o -name '*.c' -o -name '*.cpp' -o -name '*.h' -o -name '*.hpp' -o -name '*.a' \) -delete
find . -type f -path '*/tests/*' \( -name 'test_*' -o -path '*/tests/data/*' \) -delete
# Of the descriptions of some 400 services of AWS, those by which S3 is signed in to and used.
if [ -d botocore/data ]; then
    find botocore/data -mindepth 1 -maxdepth 1 -type d -not -name s3 -not -name sts -not -name 'sso*' -not -name signin -exec rm -r {} +
fi
# ONNX Runtime's library for C, beside the one that Python loads, and its tools that rewrite models.
rm -rf onnxruntime/capi/libonnxruntime.so.* onnxruntime/transformers
