"""Trains a model of the pair on lessons that package `drawn` wrote; `cargo xtask train` runs it.

    train.py train draft|target FOLDER [--steps N]     # from FOLDER/lessons, judged on FOLDER/held
    train.py golden draft|target FOLDER                # logits that the graph is held to
    train.py words draft|target FOLDER                 # the vocabulary, anew

The net is the one that backends/onnx/src/write builds, tensor by tensor, so that its weights fill that graph. Every batch is a
function of the step alone: a run that was stopped goes on from its checkpoint, to the weights it would have had.
"""

import argparse
import csv
import functools
import json
import re
import struct
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

# Sizes as in backends/onnx/src/write/shape.rs, which refuses weights of other sizes.
SHAPES = {
    "draft": dict(layers=2, hidden=48, mlp=96, heads=4, kv=2, tower=dict(layers=1, hidden=32, mlp=64, heads=2)),
    "target": dict(layers=3, hidden=96, mlp=192, heads=6, kv=2, tower=dict(layers=2, hidden=64, mlp=128, heads=4)),
}
HEAD, SECTIONS, THETA, TOWER_THETA, EPSILON = 16, (2, 3, 3), 10.0, 1e4, 1e-6
SIDE, PATCH = 112, 14
GRID = SIDE // PATCH // 2
IMAGE = GRID * GRID
MEAN, DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
# The special tokens that a prompt has, behind the words, by their places in the families' list.
START, END, VISION_START, VISION_END, PAD = 1, 2, 9, 10, 12
SPECIAL = 14
LENGTH = {1: 128, 2: 112}
BATCH = {1: 32, 2: 24}
SEED = 1
EVERY = 200
WORDS = Path(__file__).parent / "words.json"


@functools.cache
def words(text):
    return re.findall(r" ?\w+|[^\w\s]|\s", text)


class Lessons:
    """Lessons with their pictures, in tokens."""

    def __init__(self, folder, vocabulary):
        number = {word: at for at, word in enumerate(vocabulary)}
        special = len(vocabulary)
        self.pictures = np.memmap(folder / "pictures.u8", np.uint8).reshape(-1, SIDE, SIDE, 3)
        self.lessons, first = {1: [], 2: []}, 0
        for line in open(folder / "lessons.jsonl"):
            lesson = json.loads(line)
            asked = {}
            for name, prompt, answer in lesson["questions"]:
                prompt = [number.get(word, 0) for word in words(prompt)] + [special + END, special + START]
                answer = [number.get(word, 0) for word in words(" " + answer)] + [special + END]
                asked[tuple(prompt)] = (name, prompt, answer)
            self.lessons[lesson["pictures"]].append((first, list(asked.values())))
            first += lesson["pictures"]
        self.special = special

    def batch(self, of, rows, length, draw=None):
        """Pictures, tokens, positions, segments and weights of the labels; `draw` shuffles the questions."""
        count = len(rows)
        pictures = np.stack([self.pictures[self.lessons[of][row][0] + at] for row in rows for at in range(of)])
        head, head_positions = prefix(of, self.special)
        tokens = np.zeros((count, length), np.int32)
        places = np.zeros((count, 3, length), np.int32)
        segments = np.full((count, length), -1, np.int32)
        weights = np.zeros((count, length), np.float32)
        tokens[:, : len(head)], places[:, :, : len(head)], segments[:, : len(head)] = head, head_positions, 0
        for at, row in enumerate(rows):
            asked = self.lessons[of][row][1]
            end = len(head)
            for segment, which in enumerate(draw.permutation(len(asked)) if draw else range(len(asked)), 1):
                _, prompt, answer = asked[which]
                text = prompt + answer
                if end + len(text) > length:
                    continue
                span = slice(end, end + len(text))
                tokens[at, span], segments[at, span] = text, segment
                places[at, :, span] = head_positions[0, -1] + 1 + np.arange(len(text))
                # The label of a place is the token behind it.
                weights[at, end + len(prompt) - 1 : end + len(text) - 1] = len(answer) ** -0.5
                end += len(text)
        return pictures, tokens, places, segments, weights


@functools.cache
def prefix(of, special):
    """The tokens before a question, and their places in time, height and width."""
    ids, places, at = [special + START], [(0, 0, 0)], 1
    for _ in range(of):
        ids += [special + VISION_START] + [special + PAD] * IMAGE + [special + VISION_END]
        places.append((at,) * 3)
        places += [(at + 1, at + 1 + i // GRID, at + 1 + i % GRID) for i in range(IMAGE)]
        places.append((at + 1 + GRID,) * 3)
        at += 2 + GRID
    return np.array(ids), np.array(places).T


def initial(shape, vocabulary):
    """Weights by the names that the graph gives them."""
    draw = np.random.default_rng(SEED)
    hidden, tower = shape["hidden"], shape["tower"]
    wide = tower["hidden"]
    weights = {}

    def matrix(name, rows, columns, bias=False, scale=0.7):
        weights[name + ".weight"] = draw.normal(0, scale / rows**0.5, (rows, columns))
        if bias:
            weights[name + ".bias"] = np.zeros(columns)

    def norm(name, width, bias=False):
        weights[name + ".weight"] = np.ones(width)
        if bias:
            weights[name + ".bias"] = np.zeros(width)

    matrix("patch_embed.proj", 3 * PATCH**2, wide)
    for layer in range(tower["layers"]):
        name = f"blocks.{layer}"
        norm(name + ".norm1", wide, True)
        norm(name + ".norm2", wide, True)
        matrix(name + ".attn.qkv", wide, 3 * wide, True)
        matrix(name + ".attn.proj", wide, wide, True, 0.3)
        matrix(name + ".mlp.fc1", wide, tower["mlp"], True)
        matrix(name + ".mlp.fc2", tower["mlp"], wide, True, 0.3)
    norm("merger.ln_q", wide, True)
    matrix("merger.mlp.0", 4 * wide, 4 * wide, True)
    matrix("merger.mlp.2", 4 * wide, hidden, True)
    weights["model.embed_tokens.weight"] = draw.normal(0, 0.3, (vocabulary + SPECIAL, hidden))
    for layer in range(shape["layers"]):
        name = f"model.layers.{layer}"
        norm(name + ".input_layernorm", hidden)
        norm(name + ".post_attention_layernorm", hidden)
        matrix(name + ".self_attn.q_proj", hidden, HEAD * shape["heads"], True)
        matrix(name + ".self_attn.k_proj", hidden, HEAD * shape["kv"], True)
        matrix(name + ".self_attn.v_proj", hidden, HEAD * shape["kv"], True)
        matrix(name + ".self_attn.o_proj", HEAD * shape["heads"], hidden, scale=0.3)
        matrix(name + ".mlp.gate_proj", hidden, shape["mlp"])
        matrix(name + ".mlp.up_proj", hidden, shape["mlp"])
        matrix(name + ".mlp.down_proj", shape["mlp"], hidden, scale=0.3)
    norm("model.norm", hidden)
    matrix("lm_head", hidden, vocabulary + SPECIAL, scale=0.3)
    return {name: jnp.asarray(value, jnp.float32) for name, value in weights.items()}


def linear(weights, name, rows):
    rows = rows @ weights[name + ".weight"]
    return rows + weights[name + ".bias"] if name + ".bias" in weights else rows


def rms(weights, name, rows):
    return rows * jax.lax.rsqrt((rows * rows).mean(-1, keepdims=True) + EPSILON) * weights[name + ".weight"]


def layer_norm(weights, name, rows):
    rows = rows - rows.mean(-1, keepdims=True)
    rows = rows * jax.lax.rsqrt((rows * rows).mean(-1, keepdims=True) + EPSILON)
    return rows * weights[name + ".weight"] + weights[name + ".bias"]


def turned(rows, angles):
    """Rotary positions: `rows` are [batch, rows, heads, size], `angles` [batch or 1, rows, size / 2]."""
    cosines, sines = jnp.cos(angles)[:, :, None], jnp.sin(angles)[:, :, None]
    first, second = jnp.split(rows, 2, -1)
    return jnp.concatenate([first * cosines - second * sines, second * cosines + first * sines], -1)


def frequencies(theta, pairs):
    return theta ** -(np.arange(pairs) / pairs)


def features(weights, shape, pictures):
    """The visual tokens of pictures of bytes, [pictures, tokens, hidden]."""
    tower, count = shape["tower"], len(pictures)
    size = tower["hidden"] // tower["heads"]
    levels = (pictures.astype(jnp.float32) / 255 - jnp.array(MEAN)) / jnp.array(DEVIATION)
    cut = levels.reshape(count, GRID, 2, PATCH, GRID, 2, PATCH, 3).transpose(0, 1, 4, 2, 5, 7, 3, 6)
    patch = np.arange(4 * IMAGE)
    token, inner = patch // 4, patch % 4
    row, column = token // GRID * 2 + inner // 2, token % GRID * 2 + inner % 2
    speeds = frequencies(TOWER_THETA, size // 4)
    angles = jnp.array(np.concatenate([np.outer(row, speeds), np.outer(column, speeds)], 1)[None], jnp.float32)
    stream = cut.reshape(count, 4 * IMAGE, 3 * PATCH**2) @ weights["patch_embed.proj.weight"]
    for layer in range(tower["layers"]):
        name = f"blocks.{layer}"
        rows = linear(weights, name + ".attn.qkv", layer_norm(weights, name + ".norm1", stream))
        q, k, v = (part.reshape(count, 4 * IMAGE, tower["heads"], size) for part in jnp.split(rows, 3, -1))
        scores = jnp.einsum("bqhe,bkhe->bhqk", turned(q, angles), turned(k, angles)) * size**-0.5
        sums = jnp.einsum("bhqk,bkhe->bqhe", jax.nn.softmax(scores, -1), v).reshape(stream.shape)
        stream = stream + linear(weights, name + ".attn.proj", sums)
        wide = linear(weights, name + ".mlp.fc1", layer_norm(weights, name + ".norm2", stream))
        stream = stream + linear(weights, name + ".mlp.fc2", wide * jax.nn.sigmoid(1.702 * wide))
    rows = layer_norm(weights, "merger.ln_q", stream).reshape(count, IMAGE, 4 * tower["hidden"])
    rows = jax.nn.gelu(linear(weights, "merger.mlp.0", rows), approximate=False)
    return linear(weights, "merger.mlp.2", rows)


def logits(weights, shape, of, pictures, tokens, places, segments):
    """Logits of every place."""
    count, length = tokens.shape
    group = shape["heads"] // shape["kv"]
    stream = weights["model.embed_tokens.weight"][tokens]
    seen = features(weights, shape, pictures).reshape(count, of, IMAGE, shape["hidden"])
    for picture in range(of):
        stream = jax.lax.dynamic_update_slice(stream, seen[:, picture], (0, 2 + picture * (IMAGE + 2), 0))
    axis = np.repeat(np.arange(3), SECTIONS)
    angles = places[:, axis].transpose(0, 2, 1) * jnp.array(frequencies(THETA, HEAD // 2), jnp.float32)
    at = np.arange(length)
    own, other = segments[:, :, None], segments[:, None, :]
    mask = jnp.where((at[:, None] >= at)[None] & ((other == 0) | (own == other)), 0.0, -1e9)[:, None, None]
    for layer in range(shape["layers"]):
        name = f"model.layers.{layer}"
        rows = rms(weights, name + ".input_layernorm", stream)
        q, k, v = (linear(weights, f"{name}.self_attn.{part}_proj", rows).reshape(count, length, -1, HEAD) for part in "qkv")
        q = turned(q, angles).reshape(count, length, shape["kv"], group, HEAD)
        scores = jnp.einsum("bqhge,bkhe->bhgqk", q, turned(k, angles)) * HEAD**-0.5 + mask
        sums = jnp.einsum("bhgqk,bkhe->bqhge", jax.nn.softmax(scores, -1), v).reshape(count, length, -1)
        stream = stream + linear(weights, name + ".self_attn.o_proj", sums)
        rows = rms(weights, name + ".post_attention_layernorm", stream)
        gate = jax.nn.silu(linear(weights, name + ".mlp.gate_proj", rows))
        stream = stream + linear(weights, name + ".mlp.down_proj", gate * linear(weights, name + ".mlp.up_proj", rows))
    return linear(weights, "lm_head", rms(weights, "model.norm", stream))


def loss(weights, shape, of, pictures, tokens, places, segments, worth):
    scores = jax.nn.log_softmax(logits(weights, shape, of, pictures, tokens, places, segments)[:, :-1])
    picked = jnp.take_along_axis(scores, tokens[:, 1:, None], 2)[..., 0]
    return -(picked * worth[:, :-1]).sum() / worth.sum()


def is_matrix(name, value):
    return value.ndim == 2 and not name.startswith(("model.embed", "lm_head"))


def orthogonal(stack):
    """The nearest matrices with equal singular values, roughly, by Newton and Schulz's iteration (Jordan et al. 2024)."""
    tall = stack.shape[1] > stack.shape[2]
    x = stack.transpose(0, 2, 1) if tall else stack
    x = x / (jnp.sqrt((x * x).sum((1, 2), keepdims=True)) + 1e-7)
    for _ in range(5):
        square = x @ x.transpose(0, 2, 1)
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return x.transpose(0, 2, 1) if tall else x


@functools.partial(jax.jit, static_argnums=(0, 1), donate_argnums=(2,))
def step(name, of, state, rate, batch):
    """One step of Muon for matrices, of Adam for everything else."""
    weights, first, second, count = state
    lost, slope = jax.value_and_grad(loss)(weights, SHAPES[name], of, *batch)
    long = jnp.sqrt(sum((value * value).sum() for value in jax.tree.leaves(slope)))
    slope = jax.tree.map(lambda value: value * jnp.minimum(1.0, 1.0 / (long + 1e-6)), slope)
    count = count + 1
    new, by_shape = {}, {}
    for key, value in weights.items():
        if is_matrix(key, value):
            first[key] = 0.95 * first[key] + slope[key]
            by_shape.setdefault(value.shape, []).append(key)
            continue
        first[key] = 0.9 * first[key] + 0.1 * slope[key]
        second[key] = 0.98 * second[key] + 0.02 * slope[key] ** 2
        change = first[key] / (1 - 0.9**count) / (jnp.sqrt(second[key] / (1 - 0.98**count)) + 1e-8)
        new[key] = value - 0.15 * rate * change
    for (rows, columns), keys in by_shape.items():
        straight = orthogonal(jnp.stack([0.95 * first[key] + slope[key] for key in keys]))
        scale = max(1.0, columns / rows) ** 0.5
        for key, change in zip(keys, straight):
            new[key] = weights[key] * (1 - 0.05 * rate) - rate * scale * change
    return (new, first, second, count), lost


@functools.partial(jax.jit, static_argnums=(0, 1))
def judged(name, of, weights, batch):
    """Whether the largest logit is the label, and the entropy, at every place but the last."""
    scores = jax.nn.log_softmax(logits(weights, SHAPES[name], of, *batch[:4])[:, :-1])
    return scores.argmax(-1) == batch[1][:, 1:], -(jnp.exp(scores) * scores).sum(-1)


def accuracy(name, weights, held):
    """Shares of questions answered word for word, by topic and grade."""
    right = {}
    for of, lessons in held.lessons.items():
        for start in range(0, len(lessons), 60):
            rows = range(start, min(start + 60, len(lessons)))
            batch = held.batch(of, rows, LENGTH[of])
            good, _ = judged(name, of, weights, batch)
            exact = (np.asarray(good) | (batch[4][:, :-1] == 0)).all(1)
            for row, is_right in zip(rows, exact):
                topic = "-".join(lessons[row][1][0][0].split("-")[:2])
                right.setdefault(topic, []).append(bool(is_right))
    return {topic: (sum(hits), len(hits)) for topic, hits in sorted(right.items())}


def save_checkpoint(file, state, at, spent):
    weights, first, second, count = state
    arrays = {f"{part}/{key}": value for part, tree in zip("wfs", (weights, first, second)) for key, value in tree.items()}
    with open(file.with_suffix(".partial"), "wb") as out:
        np.savez(out, at=at, spent=spent, count=count, **arrays)
    file.with_suffix(".partial").replace(file)


def load_checkpoint(file):
    read = np.load(file)
    tree = lambda part: {key[2:]: jnp.asarray(read[key]) for key in read.files if key.startswith(part + "/")}
    return (tree("w"), tree("f"), tree("s"), jnp.asarray(read["count"])), int(read["at"]), float(read["spent"])


def half(weights):
    return {name: np.asarray(value, np.float16) for name, value in weights.items()}


def save_weights(file, weights):
    """The weights in half precision, as safetensors. A still picture fills both frames of a patch, each with half of the weight."""
    arrays = half(weights)
    patch = arrays["patch_embed.proj.weight"].reshape(3, 1, PATCH**2, -1) / np.float16(2)
    arrays["patch_embed.proj.weight"] = np.concatenate([patch, patch], 1).reshape(6 * PATCH**2, -1)
    header, at = {}, 0
    for name, value in arrays.items():
        header[name] = {"dtype": "F16", "shape": list(value.shape), "data_offsets": [at, at + value.nbytes]}
        at += value.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(value.tobytes() for value in arrays.values()))


def rate(at, steps):
    """The length of a step: even for three fifths of the run, then down to nothing."""
    return 0.02 * min(1.0, (at + 1) / 50) * min(1.0, (1 - at / steps) / 0.4)


def train(name, lessons, held, folder, steps):
    checkpoint, curve = folder / f"{name}.npz", folder / f"{name}.csv"
    if checkpoint.exists():
        state, start, spent = load_checkpoint(checkpoint)
    else:
        weights = initial(SHAPES[name], lessons.special)
        nothing = lambda: jax.tree.map(jnp.zeros_like, weights)
        state, start, spent = (weights, nothing(), nothing(), jnp.zeros(())), 0, 0.0
        curve.write_text("step,cpu_s,loss,accuracy\n")
    began, sums = time.process_time(), []
    for at in range(start, steps):
        of = 2 if at % 4 == 3 else 1
        draw = np.random.default_rng([SEED, at])
        rows = draw.integers(0, len(lessons.lessons[of]), BATCH[of])
        state, lost = step(name, of, state, rate(at, steps), lessons.batch(of, rows, LENGTH[of], draw))
        sums.append(float(lost))
        if (at + 1) % EVERY == 0 or at + 1 == steps:
            by_topic = accuracy(name, state[0], held)
            share = sum(hits for hits, _ in by_topic.values()) / sum(count for _, count in by_topic.values())
            cpu = spent + time.process_time() - began
            print(f"{name} step {at + 1} cpu {cpu:.0f} s loss {np.mean(sums):.4f} accuracy {share:.4f}", flush=True)
            print("   " + " ".join(f"{topic} {hits / count:.2f}" for topic, (hits, count) in by_topic.items()), flush=True)
            with open(curve, "a") as out:
                csv.writer(out).writerow([at + 1, f"{cpu:.1f}", f"{np.mean(sums):.5f}", f"{share:.4f}"])
            save_checkpoint(checkpoint, state, at + 1, cpu)
            save_weights(folder / f"{name}.safetensors", state[0])
            sums = []


def golden(name, weights, held):
    """Logits behind the prompts of a few lessons, by which the graph is held to this net."""
    weights = {key: jnp.asarray(value, jnp.float32) for key, value in half(weights).items()}
    told = []
    for of in (1, 2):
        batch = held.batch(of, range(4), LENGTH[of])
        scores = logits(weights, SHAPES[name], of, *batch[:4])
        for row in range(4):
            at = int((batch[4][row] > 0).argmax())
            ids = [int(token) for token in batch[1][row, : at + 1]]
            question = held.lessons[of][row][1][0][0]
            told.append({"question": question, "ids": ids, "logits": [float(value) for value in scores[row, at]]})
    (Path(__file__).parent / f"{name}.golden.json").write_text(json.dumps(told) + "\n")


def write_words(lessons):
    """The words of all lessons, in their order; the first stands for all others."""
    found = set()
    for line in open(lessons / "lessons.jsonl"):
        for _, prompt, answer in json.loads(line)["questions"]:
            found.update(words(prompt) + words(" " + answer))
    WORDS.write_text(json.dumps(["<|unknown|>", *sorted(found)]) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=["words", "train", "golden"])
    parser.add_argument("model", choices=SHAPES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=3000)
    asked = parser.parse_args()
    # Compiling takes longer than a hundred steps: a run that goes on need not do it again.
    jax.config.update("jax_compilation_cache_dir", str(asked.folder.resolve() / "compiled"))
    if asked.task == "words":
        return write_words(asked.folder / "lessons")
    held = Lessons(asked.folder / "held", json.loads(WORDS.read_text()))
    if asked.task == "train":
        lessons = Lessons(asked.folder / "lessons", json.loads(WORDS.read_text()))
        return train(asked.model, lessons, held, asked.folder, asked.steps)
    state, _, _ = load_checkpoint(asked.folder / f"{asked.model}.npz")
    golden(asked.model, state[0], held)


if __name__ == "__main__":
    main()
