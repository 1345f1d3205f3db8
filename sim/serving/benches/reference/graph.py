"""A GPU under the idealised engine `graph`, as one would first write it in Python: a heapq of tuples.

An iteration takes every answer in progress, 64 at most, and at most one chunk of 512 tokens of the oldest prompt. Each
token goes down the link as a message of its own. Memory is not looked at: it suffices for more requests than there are.

    python3 graph.py REQUESTS RATE [poisson | constant [SEED]]
"""

import sys
from collections import deque
from heapq import heappop, heappush

from prices import ANSWER, DOWN, PROMPT, UP, main, on_gpu

CHUNK, ITEMS = 512, 64
HOST, START = 800_000, 3_000_000  # of every iteration, and of one in which a prompt starts
ARRIVAL, AT_CLOUD, ITERATION, AT_EDGE = range(4)


def simulate(gaps, tally):
    """Events are (time, sequence, kind, payload). A request is [arrival, tokens in the cache, tokens received]."""
    pending = [(next(gaps), 0, ARRIVAL, None)]
    sequence = events = end = 0
    prompts = deque()
    answers = []  # the answers in progress, and the context that all of them read in the next iteration
    context = 0
    busy = False
    while pending:
        now, _, kind, payload = heappop(pending)
        events += 1
        if kind == AT_EDGE:
            payload[2] += 1
            if payload[2] == 1:
                tally.first(payload[0], now)
            if payload[2] == ANSWER:
                tally.last(payload[0], now)
                end = now
            continue
        if kind == ARRIVAL:
            sequence += 1
            heappush(pending, (now + UP, sequence, AT_CLOUD, [now, 0, 0]))
            gap = next(gaps, None)
            if gap is not None:
                sequence += 1
                heappush(pending, (now + gap, sequence, ARRIVAL, None))
            continue
        if kind == AT_CLOUD:
            prompts.append(payload)
            if busy:
                continue
        else:
            batch, reader = payload
            arrives = now + DOWN
            for request in batch:
                request[1] += 1
                sequence += 1
                heappush(pending, (arrives, sequence, AT_EDGE, request))
                if request[1] < PROMPT + ANSWER - 1:
                    answers.append(request)
                    context += request[1] + 1
            if reader is not None and reader[1] < PROMPT:
                prompts.appendleft(reader)
            elif reader is not None:
                sequence += 1
                heappush(pending, (arrives, sequence, AT_EDGE, reader))
                answers.append(reader)
                context += PROMPT + 1
        # The next iteration.
        batch, answers = answers[:ITEMS], answers[ITEMS:]
        rows = tokens = len(batch)
        read = pairs = context if not answers else sum(request[1] + 1 for request in batch)
        context -= read
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
        busy = tokens > 0
        if busy:
            sequence += 1
            took = int(host + on_gpu(tokens, rows, read, pairs) + 0.5)
            heappush(pending, (now + took, sequence, ITERATION, (batch, reader)))
    return events, end


if __name__ == "__main__":
    main("graph", simulate, *sys.argv[1:])
