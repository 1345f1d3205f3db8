"""A GPU under a serving engine's scheduler, as one would first write it in Python: a heapq of tuples.

The rule is that of the engine `vllm` without its prefix cache. A step has a budget of 2,048 tokens, for running requests
in order of admission and then for prompts. Blocks of 16 tokens are taken when they are needed; if none is left, the
newest request is preempted and computed again. A step is formed when the one before it starts.

    python3 engine.py REQUESTS RATE [poisson | constant [SEED [BLOCKS]]]
"""

import sys
from collections import deque
from heapq import heappop, heappush

from prices import ANSWER, DOWN, PROMPT, READ_SHARED, READ_WIDE, UP, main, on_gpu

BUDGET, PLACES, BLOCK, BLOCKS = 2048, 256, 16, 20_000
HOST, HOST_REQUEST = 2_000_000, 20_000  # the host's time of a step and of each request in it, hidden by the GPU's
ARRIVAL, AT_CLOUD, STEP, AT_EDGE = range(4)
# A request: arrival, tokens made, the same with those that a step in flight makes, tokens computed, blocks held, tokens
# received.
SINCE, MADE, KNOWN, COMPUTED, HELD, RECEIVED = range(6)


class Engine:
    def __init__(self, blocks):
        self.running, self.waiting, self.free, self.preempted = [], deque(), blocks, False

    def form(self):
        """The next step as a duration and the requests that it makes a token for; or none."""
        running, room, makes = self.running, BUDGET, []
        items = context = pairs = wide = 0
        self.preempted = False
        for request in running:
            known, cached = request[KNOWN], request[COMPUTED]
            if known == ANSWER:
                continue  # the step in flight ends it
            new = PROMPT + known - cached
            if new > room:
                new = room
            reach = cached + new
            if reach > request[HELD] * BLOCK and not self.make_room(request, reach):
                break
            items += 1
            room -= new
            request[COMPUTED] = reach
            context += reach
            pairs += new * cached + new * (new + 1) // 2
            if new > 1 and reach > wide:
                wide = reach
            if reach == PROMPT + known:
                request[KNOWN] = known + 1
                makes.append(request)
            if room == 0:
                break
        while self.waiting and not self.preempted and room > 0 and len(running) < PLACES:
            request = self.waiting[0]
            known = PROMPT + request[MADE]
            if (known + BLOCK - 1) // BLOCK > self.free:
                break  # the prompt must fit whole
            running.append(self.waiting.popleft())
            new = min(known, room)
            self.make_room(request, new)
            items += 1
            room -= new
            request[COMPUTED] = new
            context += new
            pairs += new * (new + 1) // 2
            wide = max(wide, new)
            if new == PROMPT + request[KNOWN]:
                request[KNOWN] += 1
                makes.append(request)
        if items == 0:
            return None
        took = on_gpu(BUDGET - room, len(makes), context, pairs)
        if wide > 0:
            took += context * READ_SHARED + wide * READ_WIDE
        return int(max(took, HOST + items * HOST_REQUEST) + 0.5), makes

    def make_room(self, request, reach):
        """Takes blocks for so many tokens of a request, from the newest if none is free; false if it is the newest."""
        missing = (reach + BLOCK - 1) // BLOCK - request[HELD]
        while missing > self.free:
            self.preempted = True
            victim = self.running.pop()
            self.free += victim[HELD]
            victim[COMPUTED] = victim[HELD] = 0
            self.waiting.appendleft(victim)
            if victim is request:
                return False
        self.free -= missing
        request[HELD] += missing
        return True

    def end(self, makes):
        """A step has made a token for each of these requests."""
        ended = False
        for request in makes:
            request[MADE] += 1
            if request[MADE] == ANSWER:
                ended = True
                self.free += request[HELD]
        if ended:
            self.running = [request for request in self.running if request[MADE] < ANSWER]
            self.waiting = deque(request for request in self.waiting if request[MADE] < ANSWER)


def simulate(gaps, tally, blocks=BLOCKS):
    """Events are (time, sequence, kind, payload)."""
    engine = Engine(int(blocks))
    pending = [(next(gaps), 0, ARRIVAL, None)]
    sequence = events = end = 0
    runs = formed = None
    while pending:
        now, _, kind, payload = heappop(pending)
        events += 1
        if kind == AT_EDGE:
            payload[RECEIVED] += 1
            if payload[RECEIVED] == 1:
                tally.first(payload[SINCE], now)
            if payload[RECEIVED] == ANSWER:
                tally.last(payload[SINCE], now)
                end = now
            continue
        if kind == ARRIVAL:
            sequence += 1
            heappush(pending, (now + UP, sequence, AT_CLOUD, [now, 0, 0, 0, 0, 0]))
            gap = next(gaps, None)
            if gap is not None:
                sequence += 1
                heappush(pending, (now + gap, sequence, ARRIVAL, None))
            continue
        if kind == AT_CLOUD:
            engine.waiting.append(payload)
            if runs:
                continue
        else:
            arrives = now + DOWN
            engine.end(payload)
            for request in payload:
                sequence += 1
                heappush(pending, (arrives, sequence, AT_EDGE, request))
        runs = formed or engine.form()
        formed = None
        if runs:
            sequence += 1
            heappush(pending, (now + runs[0], sequence, STEP, runs[1]))
            formed = engine.form()
    return events, end


if __name__ == "__main__":
    main("engine", simulate, *sys.argv[1:])
