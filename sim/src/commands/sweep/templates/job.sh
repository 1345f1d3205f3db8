#!/usr/bin/env bash
# The sweep @NAME@ by GNU parallel: @SHARDS@ shards, each of which writes one part, then all parts put together.
# Read it, change what you need, and run it: bash @SCRIPT@
#
# A shard whose part is there and whole ends at once, so running it again goes on where it was stopped.
# On other machines: PARALLEL='--sshloginfile FILE' bash job.sh; the folder, the traces that the scenario names and the
# program have to be on a file system that all of them see.
set -euo pipefail

sim=@SIM@
folder=@FOLDER@
jobs=${JOBS:-100%} # shards at a time: a number, or a share of the cores

command -v parallel >/dev/null || { echo "job.sh: no GNU parallel on this machine; install the package parallel" >&2; exit 4; }

# A code other than 0 is no reason to stop: points may have failed (5), and the merge refuses gaps.
seq 0 @LAST@ | parallel --quote --jobs "$jobs" --joblog "$folder/logs/joblog" \
  "$sim" sweep "$folder/scenario.toml" --out "$folder" --shard {}/@SHARDS@ --threads 1 || true

exec "$sim" sweep "$folder/scenario.toml" --out "$folder" --merge
