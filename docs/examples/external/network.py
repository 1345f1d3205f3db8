"""A small network in NumPy sets the window of drafts. It learns the time a token from what the edge can see."""

import json
import sys

import numpy as np

LENGTHS = np.arange(1, 9)
hello = json.loads(sys.stdin.readline())
rng = np.random.default_rng([hello["seed"], hello["replication"]])

# 4 inputs, 16 hidden units, one output: the logarithm of the milliseconds a token.
w1, b1 = rng.normal(0, 0.5, (4, 16)), np.zeros(16)
w2, b2 = rng.normal(0, 0.5, 16), 3.0
RATE = 0.1


def inputs(view, accepted, length):
    return np.array([np.log1p(view["rtt_ms"]) / 5, view["cloud_requests"] / 10, accepted, length / 8])


def predict(x):
    hidden = np.tanh(x @ w1 + b1)
    return hidden, hidden @ w2 + b2


def learn(x, ms_a_token):
    """A step of gradient descent on the squared error of the logarithm."""
    global w2, b2, w1, b1
    hidden, found = predict(x)
    error = np.clip(found - np.log(ms_a_token), -2, 2)
    back = error * w2 * (1 - hidden**2)
    w2, b2 = w2 - RATE * error * hidden, b2 - RATE * error
    w1, b1 = w1 - RATE * np.outer(x, back), b1 - RATE * back


print('{"msao_sim": 1, "asks": ["round"], "tells": ["verdict"]}', flush=True)
accepted = {}  # of each edge: a moving average of the accepted share
asked = {}
rounds = 0
for line in sys.stdin:
    said = json.loads(line)
    edge, request = said["edge"], said["request"]
    if said.get("ask") == "round":
        rounds += 1
        options = np.array([inputs(said["view"], accepted.get(edge, 0.7), length) for length in LENGTHS])
        explores = rng.random() < max(0.02, 1 / (1 + rounds / 200))
        best = rng.integers(len(LENGTHS)) if explores else int(np.argmin(predict(options)[1]))
        asked[request] = options[best]
        print(json.dumps({"n_draft": int(LENGTHS[best])}), flush=True)
    else:
        share = said["accepted"] / max(said["drafted"], 1)
        accepted[edge] = 0.9 * accepted.get(edge, 0.7) + 0.1 * share
        if said["round"] > 1:
            learn(asked[request], max(said["round_ms"], 0.1) / max(said["tokens"], 1))
