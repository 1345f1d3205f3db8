#!/bin/sh
# Instructions per event of the kernel's hot paths, as JSON lines. Needs valgrind, and nothing else:
#     cargo build --release -p kernel --example hot_path
#     sim/kernel/benches/instructions.sh target/release/examples/hot_path
# Counted over N and over 2 N events; the difference leaves out start-up and filling the queue.
set -eu
binary=${1:?usage: instructions.sh PATH-TO-hot_path}

count() { # CASE QUEUE PENDING EVENTS
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$binary" "$@" 2>&1 >/dev/null |
        sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

measure() { # CASE QUEUE PENDING EVENTS
    once=$(count "$1" "$2" "$3" "$4")
    twice=$(count "$1" "$2" "$3" $((2 * $4)))
    printf '{"case":"%s","queue":"%s","pending":%s,"events":%s,"instructions_per_event":%s}\n' \
        "$1" "$2" "$3" "$4" "$(awk "BEGIN { printf \"%.2f\", ($twice - $once) / $4 }")"
}

for pending in 1000 100000; do
    for queue in lanes binary; do
        measure hold "$queue" "$pending" 200000
        measure constant "$queue" "$pending" 200000
    done
done
# The judge moves half of what is pending at every push: 100,000 pending would only measure that.
measure hold sorted 1000 200000
measure ping_pong kernel 1 200000
measure ping_pong kernel 1000 200000
