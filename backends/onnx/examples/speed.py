"""The loop of speed.rs in plain Python: `python speed.py FOLDER [TOKENS] [THREADS]`; needs onnxruntime and numpy."""

import json
import sys
import time

import numpy
import onnxruntime

folder, tokens, threads = sys.argv[1:] + ["256", "1"][len(sys.argv) - 2 :]
tokens, threads = int(tokens), int(threads)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = threads


def session(name):
    return onnxruntime.InferenceSession(f"{folder}/onnx/{name}.onnx", options, providers=["CPUExecutionProvider"])


embed, decoder = session("embed_tokens"), session("decoder_model_merged")
pasts = [i for i in decoder.get_inputs() if i.name.startswith("past_key_values.")]
outputs = ["logits"] + [p.name.replace("past_key_values", "present") for p in pasts]
inside = 0.0


def run(graph, names, inputs):
    global inside
    start = time.perf_counter()
    out = graph.run(names, inputs)
    inside += time.perf_counter() - start
    return out


def step(ids, past, length):
    ids = numpy.array([ids], dtype=numpy.int64)
    count = ids.shape[1]
    feed = dict(past)
    feed["inputs_embeds"] = run(embed, None, {"input_ids": ids})[0]
    feed["attention_mask"] = numpy.ones((1, length + count), dtype=numpy.int64)
    feed["position_ids"] = numpy.broadcast_to(numpy.arange(length, length + count), (3, 1, count)).astype(numpy.int64)
    if any(i.name == "num_logits_to_keep" for i in decoder.get_inputs()):
        feed["num_logits_to_keep"] = numpy.array(1, dtype=numpy.int64)
    logits, *present = run(decoder, outputs, feed)
    row = logits[0, -1].astype(numpy.float64)
    weights = numpy.exp(row - row.max())
    share = weights / weights.sum()
    entropy = -(share * numpy.log(share)).sum()
    return int(row.argmax()), entropy, {p.name: value for p, value in zip(pasts, present)}


steps = []
for _ in range(5):
    empty = {p.name: numpy.zeros((1, p.shape[1], 0, p.shape[3]), dtype=numpy.float32) for p in pasts}
    token, _, past = step([5] * 32, empty, 0)
    for at in range(tokens):
        start, inside = time.perf_counter(), 0.0
        token, _, past = step([token], past, 32 + at)
        whole = time.perf_counter() - start
        steps.append((whole * 1e6, (whole - inside) * 1e6))
# The fastest tenth: others share the machine.
whole, outside = (sorted(column)[len(steps) // 10] for column in zip(*steps))
print(json.dumps({"tokens_per_s": round(1e6 / whole), "step_us": round(whole, 1), "outside_us": round(outside, 1)}))
