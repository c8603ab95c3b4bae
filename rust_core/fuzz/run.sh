#!/usr/bin/env bash
# Fuzzes each target for a quarter of MINUTES, guided by coverage, with the stable compiler.
#
#   rust_core/fuzz/run.sh MINUTES
#
# What is new stays in target/fuzz/corpus, what fails in target/fuzz/crashes; with KEEP=1 the
# corpus that the suite replays is made anew from it, as small as covers the same.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=$(( ${1:-60} * 60 / 4 ))
root=$(cargo metadata --format-version 1 --no-deps --locked | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/fuzz
host=$(rustc -vV | sed -n 's/^host: //p')
targets=(calls restore decoders listener)

cargo run --quiet --locked -p ee-fuzz --bin fuzz_seeds "$root/seeds"

# The flags of libFuzzer's instrumentation, for code of the target alone and not for build scripts.
RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
-Cllvm-args=-sanitizer-coverage-pc-table -Ccodegen-units=1 -Cdebug-assertions" \
  cargo build --release --locked --quiet --config 'profile.release.lto="off"' --target "$host" \
  --target-dir "$root" -p ee-fuzz --features libfuzzer "${targets[@]/#/--bin=fuzz_}"

for target in "${targets[@]}"; do
  mkdir -p "$root/corpus/$target" "$root/crashes/$target" "rust_core/fuzz/corpus/$target"
  echo "$target: $seconds s, log in $root/$target.log"
  "$root/$host/release/fuzz_$target" "$root/corpus/$target" "$root/seeds/$target" \
    "rust_core/fuzz/corpus/$target" -max_total_time="$seconds" -max_len=8192 -len_control=0 \
    -rss_limit_mb=3000 -timeout=20 -print_final_stats=1 \
    -artifact_prefix="$root/crashes/$target/" >"$root/$target.log" 2>&1 ||
    { tail -n 40 "$root/$target.log"; exit 1; }
  grep -E 'DONE|Done|new_units|peak_rss' "$root/$target.log"
  if [ -n "${KEEP:-}" ]; then
    rm -rf "$root/small/$target" && mkdir -p "$root/small/$target"
    "$root/$host/release/fuzz_$target" -merge=1 -max_len=512 "$root/small/$target" \
      "$root/corpus/$target" >>"$root/$target.log" 2>&1
    rm -f "rust_core/fuzz/corpus/$target"/*
    # Of these some hundred, spread over all sizes.
    ls -S "$root/small/$target" | awk -v all="$(ls "$root/small/$target" | wc -l)" \
      'NR % (int(all / 150) + 1) == 0' |
      while read -r name; do cp "$root/small/$target/$name" "rust_core/fuzz/corpus/$target/"; done
  fi
done
