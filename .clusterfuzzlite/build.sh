#!/bin/bash -eu
# Builds each fuzz target into OUT, with its seeds and its dictionary, by the conventions of ClusterFuzzLite and
# OSS-Fuzz: they set CXX, CXXFLAGS, LIB_FUZZING_ENGINE, SRC and OUT.
# SPDX-License-Identifier: MIT
cd "$SRC/sockless"

# A library from the system was not built with the memory sanitizer, which then takes all that zlib writes for unset.
targets=$(tools/fuzz)
if [ "${SANITIZER:-}" = memory ]; then
    targets=$(grep -L -e deflate -e zlib fuzz/*.cpp | xargs -n 1 basename -s .cpp)
fi

python3 fuzz/make_seeds.py "$OUT/seeds"
for name in $targets; do
    # shellcheck disable=SC2086 # the flags are many words
    $CXX $CXXFLAGS -std=c++20 -Iinclude "fuzz/$name.cpp" -o "$OUT/$name" $LIB_FUZZING_ENGINE -l:libz.a
    (cd "$OUT/seeds/$name" && python3 -m zipfile -c "$OUT/${name}_seed_corpus.zip" ./*)
    for words in "fuzz/${name%%_*}.dict" fuzz/websocket.dict; do
        [ -e "$words" ] && cp "$words" "$OUT/$name.dict" && break
    done
done
rm -rf "$OUT/seeds"
