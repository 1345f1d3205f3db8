"""The same tandem with SimPy processes (pip install simpy): `python3 tandem_simpy.py SEED JOBS [--time]`.

The sojourns are equal; the events are counted as the model's, four a job, not as those of SimPy's resources.
"""

import sys
import time

import simpy
from tandem import MEANS, draws


def simulate(gaps, services):
    env = simpy.Environment()
    stages = [simpy.Resource(env, capacity=1) for _ in services]
    sojourns = 0

    def job(number):
        nonlocal sojourns
        arrival = env.now
        for stage, durations in zip(stages, services):
            with stage.request() as turn:
                yield turn
                yield env.timeout(durations[number])
        sojourns += env.now - arrival

    def source():
        for number, gap in enumerate(gaps):
            yield env.timeout(gap)
            env.process(job(number))

    env.process(source())
    env.run()
    return 4 * len(gaps), sojourns


def main():
    seed, jobs = (int(word) for word in sys.argv[1:] if word != "--time")
    gaps, *services = [draws(seed, name, jobs) for name in MEANS]
    before = time.process_time_ns()
    events, sojourns = simulate(gaps, services)
    ns = time.process_time_ns() - before
    timing = f',"cpu_ns":{ns},"ns_per_event":{ns / events:.2f}' if "--time" in sys.argv else ""
    print(f'{{"case":"tandem","queue":"simpy","jobs":{jobs},"events":{events},"sojourns_ns":{sojourns}{timing}}}')


if __name__ == "__main__":
    main()
