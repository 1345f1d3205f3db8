"""The same as graph.py with SimPy processes (pip install simpy==4.1.1), and with the same arguments and results."""

import sys
from collections import deque

import simpy
from graph import CHUNK, HOST, ITEMS, START
from prices import ANSWER, DOWN, PROMPT, UP, main, on_gpu


def simulate(gaps, tally):
    """A request is [arrival, tokens in the cache, tokens received]. Events are those of SimPy, and are not counted."""
    env = simpy.Environment()
    prompts, answers = deque(), deque()
    idle = env.event()

    def wake():
        if not idle.triggered:
            idle.succeed()

    def client():
        request = [env.now, 0, 0]
        yield env.timeout(UP)
        prompts.append(request)
        wake()

    def source():
        for gap in gaps:
            yield env.timeout(gap)
            env.process(client())

    def deliver(request):
        yield env.timeout(DOWN)
        request[2] += 1
        if request[2] == 1:
            tally.first(request[0], env.now)
        if request[2] == ANSWER:
            tally.last(request[0], env.now)

    def gpu():
        nonlocal idle
        while True:
            if not prompts and not answers:
                idle = env.event()
                yield idle
            batch = [answers.popleft() for _ in range(min(ITEMS, len(answers)))]
            rows = tokens = len(batch)
            read = pairs = sum(request[1] + 1 for request in batch)
            host, reader = HOST, None
            if prompts:
                reader = prompts.popleft()
                cached = reader[1]
                chunk = min(CHUNK, PROMPT - cached)
                host += 0 if cached else START
                tokens += chunk
                read += cached + chunk
                pairs += chunk * cached + chunk * (chunk + 1) // 2
                reader[1] += chunk
                rows += reader[1] == PROMPT
            yield env.timeout(int(host + on_gpu(tokens, rows, read, pairs) + 0.5))
            for request in batch:
                request[1] += 1
                env.process(deliver(request))
                if request[1] < PROMPT + ANSWER - 1:
                    answers.append(request)
            if reader is not None and reader[1] < PROMPT:
                prompts.appendleft(reader)
            elif reader is not None:
                env.process(deliver(reader))
                answers.append(reader)

    env.process(source())
    env.process(gpu())
    env.run()
    return 0, env.now


if __name__ == "__main__":
    main("graph_simpy", simulate, *sys.argv[1:])
