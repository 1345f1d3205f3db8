"""The parts that the scripts of this folder share: the price of a step, the arrivals, and the line that is printed.

The scripts simulate the server of servers.toml without anything of ours: graph.py under the engine `graph`,
graph_simpy.py the same with SimPy, and engine.py under the engine `vllm`. `cargo xtask bench servers` compares their
speed and their latencies with those of `sim`. Latencies of equal arrivals (`constant`) are equal within a thousandth;
tests/servers.rs holds that.

A step is priced as docs/compute-model.md says, for Qwen2.5-VL-7B in 16 bits on an A100 of 40 GB. Times are nanoseconds.
"""

import json
import random
import time

# The workload of servers.toml: text prompts, answers of one length, a link of constant rate.
PROMPT, ANSWER = 1024, 210
UP = 500_000 + (PROMPT * 4 + 3 * 66) * 8 // 10  # half of the round trip, and the prompt's three packets at 10 Gbps
DOWN = 500_000 + (8 + 66) * 8 // 10  # the same for one token

# The data sheet, and the shares of it that kernels reach.
BANDWIDTH, PEAK = 1_555e9 / 1e9, 312e12 / 1e9
MEM, FLOP = 0.80, 0.76
# The model.
LAYERS, HIDDEN, INTERMEDIATE, HEADS, KV_HEADS, HEAD, VOCAB = 28, 3584, 18_944, 28, 4, 128, 152_064

MATRIX = 2 * HIDDEN * HEADS * HEAD + 2 * HIDDEN * KV_HEADS * HEAD + 3 * HIDDEN * INTERMEDIATE
STORED = MATRIX + (HEADS + 2 * KV_HEADS) * HEAD + 2 * HIDDEN  # with biases and norms
READ_LAYERS = 2 * (LAYERS * STORED + HIDDEN) / (BANDWIDTH * MEM)
READ_HEAD = 2 * VOCAB * HIDDEN / (BANDWIDTH * MEM)
MULTIPLY_TOKEN = 2 * LAYERS * MATRIX / (PEAK * FLOP)
MULTIPLY_ROW = 2 * VOCAB * HIDDEN / (PEAK * FLOP)
MOVE_TOKEN = 14 * LAYERS * HIDDEN * 2 / BANDWIDTH
READ_CONTEXT = 2 * LAYERS * KV_HEADS * HEAD * 2 / (BANDWIDTH * MEM * 0.90)
ATTEND_PAIR = 4 * LAYERS * HEADS * HEAD / (PEAK * FLOP * 0.70)
KERNELS = LAYERS * 35_000
# FlashAttention 2 under vLLM, in a step with an item of several tokens.
READS = 0.40 * HEADS / KV_HEADS
READ_SHARED = READ_CONTEXT * (READS - 1)
READ_WIDE = READ_CONTEXT * (41 / KV_HEADS - READS)


def on_gpu(tokens, rows, context, pairs):
    """Time on the GPU of so many tokens and rows of logits, with their context and pairs of attention."""
    read = READ_LAYERS + (READ_HEAD if rows else 0.0)
    multiply = tokens * MULTIPLY_TOKEN + rows * MULTIPLY_ROW
    linear = (read * read + multiply * multiply) ** 0.5
    return linear + KERNELS + tokens * MOVE_TOKEN + context * READ_CONTEXT + pairs * ATTEND_PAIR


def gaps(requests, rate, law, seed):
    """The times between arrivals: independent of each other (`poisson`), or all the same (`constant`)."""
    draw = random.Random(seed).expovariate
    for number in range(requests):
        if law == "poisson":
            yield int(draw(rate) * 1e9)
        else:
            yield round((number + 1) * 1e9 / rate) - round(number * 1e9 / rate)


class Tally:
    """Latencies of the answers so far."""

    def __init__(self):
        self.answers = self.ttft = self.e2e = 0

    def first(self, arrival, now):
        self.ttft += now - arrival

    def last(self, arrival, now):
        self.answers += 1
        self.e2e += now - arrival

    def line(self, case, events, end, cpu_s):
        e2e, ttft = self.e2e / self.answers / 1e6, self.ttft / self.answers / 1e6
        return json.dumps({
            "case": case,
            "requests": self.answers,
            "events": events,
            "e2e_ms_mean": e2e,
            "ttft_ms_mean": ttft,
            "tpot_ms_mean": (e2e - ttft) / (ANSWER - 1),
            "output_tokens_per_s": self.answers * ANSWER / end * 1e9,
            "cpu_s": cpu_s,
        })


def main(case, simulate, requests, rate, law="poisson", seed="1", *more):
    """Simulates so many requests at a rate a second, and prints the line."""
    before = time.process_time()
    tally = Tally()
    events, end = simulate(gaps(int(requests), float(rate), law, int(seed)), tally, *more)
    print(tally.line(case, events, end, time.process_time() - before))
