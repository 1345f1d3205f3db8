"""The tandem of three FIFO queues of sim/kernel/examples/tandem as one would first write it in Python: a heapq of
tuples. The draws are those of the kernel's keyed streams in integers, so both give the same result to the nanosecond.

    python3 tandem.py SEED JOBS [--time]
"""

import sys
import time
from heapq import heappop, heappush

MASK = (1 << 64) - 1
MEANS = {"gaps": 1_000_000, "first": 700_000, "second": 850_000, "third": 600_000}


def mix(x):
    """SplitMix64's output function."""
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def fnv(name):
    """FNV-1a over the name's bytes."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return value


def draws(seed, name, jobs):
    """Uniform integers from 0 to twice the mean: draw `job` of the keyed stream `name`."""
    base = mix(seed ^ mix(fnv(name) ^ mix(0)))
    return [mix((base + job * 0x9E3779B97F4A7C15) & MASK) * 2 * MEANS[name] >> 64 for job in range(jobs)]


def simulate(gaps, services):
    """Events are (time, sequence, job, stage); stage -1 is the arrival. Returns their number and the sojourns."""
    jobs = len(gaps)
    pending = []
    arrivals = [0] * jobs
    free_at = [0] * len(services)
    last = len(services)
    sequence = events = sojourns = 0
    if jobs:
        heappush(pending, (gaps[0], sequence, 0, -1))
    while pending:
        now, _, job, stage = heappop(pending)
        events += 1
        if stage < 0:
            arrivals[job] = now
            if job + 1 < jobs:
                sequence += 1
                heappush(pending, (now + gaps[job + 1], sequence, job + 1, -1))
        stage += 1
        if stage == last:
            sojourns += now - arrivals[job]
            continue
        end = max(now, free_at[stage]) + services[stage][job]
        free_at[stage] = end
        sequence += 1
        heappush(pending, (end, sequence, job, stage))
    return events, sojourns


def main():
    seed, jobs = (int(word) for word in sys.argv[1:] if word != "--time")
    gaps, *services = [draws(seed, name, jobs) for name in MEANS]
    before = time.process_time_ns()
    events, sojourns = simulate(gaps, services)
    ns = time.process_time_ns() - before
    timing = f',"cpu_ns":{ns},"ns_per_event":{ns / events:.2f}' if "--time" in sys.argv else ""
    print(f'{{"case":"tandem","queue":"python","jobs":{jobs},"events":{events},"sojourns_ns":{sojourns}{timing}}}')


if __name__ == "__main__":
    main()
