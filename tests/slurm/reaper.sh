#!/bin/bash
# Ends a private Slurm once stdin ends, which it does when the test that holds its other end is over, however it ended.
#
# A process belongs to it if it has a file below $FOLDER open or names it in its command line or environment. Process groups would
# not do: slurmstepd leaves them, and outlives slurmd.
cat > /dev/null
for round in 1 2 3 4 5; do
  found=
  for process in /proc/[0-9]*; do
    pid=${process#/proc/}
    [ "$pid" != $$ ] || continue
    if { cat "$process/cmdline" "$process/environ"; readlink "$process"/fd/*; } 2> /dev/null | grep -qaF "$FOLDER"; then
      found=yes
      kill -9 "$pid" 2> /dev/null
    fi
  done
  [ -n "$found" ] || break
  sleep 0.1
done
# Where the test was killed, nobody else removes it.
[ ! -e "$FOLDER/slurm.conf" ] || rm -rf "$FOLDER"
