"""Fits the probe's heads (Eq. 3 and 6 of MSAO) to the trained pair; `cargo xtask train` runs it behind the training.

    heads.py FOLDER        # FOLDER/draft.npz and target.npz, on the lessons of FOLDER/probed; writes heads.toml beside this script

What matters is what the target loses without it. A visual token matters if the target's loss on the lesson's questions, a token of
an answer, grows by more than `WORTH` nats when no text can attend to it. A picture is relevant to a question by the share of the
answer's likelihood that goes with all of its tokens. The heads see the draft's features alone, as the probe does on the edge.
The first half of the lessons is fitted, the second judges.
"""

import argparse
import functools
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from train import GRID, IMAGE, LENGTH, SHAPES, WORDS, Lessons, features, half, load_checkpoint, logits, prefix

HEADS = Path(__file__).parent / "heads.toml"
# Nats a token of an answer.
WORTH = 0.01
ROWS = 40
UNITS, STEPS, RATE = 8, 3000, 3e-3


@functools.partial(jax.jit, static_argnums=(0,))
def losses(of, weights, pictures, tokens, places, segments):
    """What each token costs, in nats, given those before it."""
    scores = jax.nn.log_softmax(logits(weights, SHAPES["target"], of, pictures, tokens, places, segments)[:, :-1])
    return -jnp.take_along_axis(scores, tokens[:, 1:, None], 2)[..., 0]


def by_question(batch, lost):
    """The mean loss of each question's answer: rows by segments, nan where there is none."""
    labels, segments = batch[4][:, :-1] > 0, batch[3][:, :-1]
    means = np.full((len(lost), segments.max() + 1), np.nan)
    for row, segment in np.ndindex(means.shape):
        own = labels[row] & (segments[row] == segment)
        if own.any():
            means[row, segment] = lost[row, own].mean()
    return means


def without(batch, hidden):
    """The batch with tokens that no question attends to."""
    segments = batch[3].copy()
    segments[:, hidden] = -1
    return (*batch[:3], segments, batch[4])


def looked_at(of, rows, lessons, draft, target):
    """Of some lessons: features and what hiding each token costs; and of each question, prompt, picture and share that goes."""
    batch = lessons.batch(of, rows, LENGTH[of])
    cost = lambda batch: by_question(batch, np.asarray(losses(of, target, *batch[:4])))
    seen = np.asarray(features(draft, SHAPES["draft"], jnp.asarray(batch[0])), np.float64)
    whole = cost(batch)
    visual = np.concatenate([2 + picture * (IMAGE + 2) + np.arange(IMAGE) for picture in range(of)])
    grown = np.stack([np.nanmean(cost(without(batch, [token])) - whole, 1) for token in visual], 1)
    gone = 1 - np.exp(-np.maximum(cost(without(batch, visual)) - whole, 0))
    table = np.asarray(draft["model.embed_tokens.weight"], np.float64)
    # The probe's prompt is the text alone: of the prefix what is no visual token.
    head, asked = list(np.delete(prefix(of, lessons.special)[0], visual)), []
    for at, row in enumerate(rows):
        picture = seen[at * of : (at + 1) * of].reshape(-1, seen.shape[-1]).mean(0)
        for segment, (_, prompt, _) in enumerate(lessons.lessons[of][row][1], 1):
            if segment < gone.shape[1] and not np.isnan(gone[at, segment]):
                asked.append((table[head + prompt].mean(0), picture, gone[at, segment]))
    return seen, grown.reshape(len(rows) * of, IMAGE), asked


def pooled(maps, side):
    """The mean of the cells around each, those inside alone: [pictures, tokens, channels]."""
    grid = maps.reshape(len(maps), GRID, GRID, -1)
    reach = range(-(side // 2), side // 2 + 1)
    sums, counts = np.zeros_like(grid), np.zeros((1, GRID, GRID, 1))
    for down in reach:
        for right in reach:
            to = np.s_[:, max(0, -down) : GRID - max(0, down), max(0, -right) : GRID - max(0, right)]
            source = np.s_[:, max(0, down) : GRID + min(0, down), max(0, right) : GRID + min(0, right)]
            sums[to] += grid[source]
            counts[to] += 1
    return (sums / counts).reshape(maps.shape)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def logistic(x, y):
    """Weights and bias of a logistic regression with a light ridge, by Newton's method."""
    middle, spread = x.mean(0), x.std(0) + 1e-6
    z = np.concatenate([(x - middle) / spread, np.ones((len(x), 1))], 1)
    at, ridge = np.zeros(z.shape[1]), np.append(np.ones(x.shape[1]), 1e-6)
    for _ in range(30):
        share = sigmoid(z @ at)
        curve = (z * (share * (1 - share))[:, None]).T @ z + np.diag(ridge)
        at = at - np.linalg.solve(curve, z.T @ (share - y) + ridge * at)
    return at[:-1] / spread, at[-1] - (at[:-1] * middle / spread).sum()


def log_loss(share, y):
    share = np.clip(share, 1e-9, 1 - 1e-9)
    return -(y * np.log(share) + (1 - y) * np.log(1 - share)).mean()


def concordance(score, y):
    """How often the one of two with the greater value has the greater score; a half is chance."""
    order = np.argsort(score, kind="stable")
    if set(np.unique(y)) <= {0, 1}:
        ranks = np.empty(len(score))
        ranks[order] = np.arange(len(score))
        high = y.sum()
        return (ranks[y == 1].sum() - high * (high - 1) / 2) / (high * (len(y) - high))
    draw = np.random.default_rng(0)
    one, other = draw.integers(0, len(y), (2, 200_000))
    differ = y[one] != y[other]
    return (np.sign(score[one] - score[other]) == np.sign(y[one] - y[other]))[differ].mean()


def standing_out(maps):
    """The stand-in of Eq. 3: how far a feature lies from the picture's median."""
    far = np.linalg.norm(maps - np.median(maps, 1, keepdims=True), axis=2)
    return sigmoid(2 * (far / far.mean(1, keepdims=True) - 1))


def fit_spatial(maps, grown):
    """The better of a pool of 1 and of 3, and what is told of it."""
    matters = (grown > WORTH).astype(float)
    fit, judge = np.s_[: len(maps) // 2], np.s_[len(maps) // 2 :]
    flat = lambda maps: maps.reshape(-1, maps.shape[-1])
    best = None
    for side in (1, 3):
        x = pooled(maps, side)
        weights, bias = logistic(flat(x[fit]), matters[fit].ravel())
        lost = log_loss(sigmoid(flat(x[fit]) @ weights + bias), matters[fit].ravel())
        if best is None or lost < best[0]:
            best = lost, side, weights, bias, sigmoid(flat(x[judge]) @ weights + bias)
    _, side, weights, bias, share = best
    truth = matters[judge].ravel()
    print(f"Eq. 3: {truth.mean():.3f} of {truth.size} tokens matter; log loss {log_loss(share, truth):.3f}, of their share {log_loss(truth.mean(), truth):.3f}")
    print(f"   ranked right: head {concordance(share, truth):.3f}, stand-in {concordance(standing_out(maps[judge]).ravel(), truth):.3f}")
    return side, weights, bias


def alpha(head, prompt, modality):
    inner, inner_bias, outer, outer_bias = head
    return jnp.maximum(jnp.concatenate([prompt, modality], 1) @ inner.T + inner_bias, 0) @ outer + outer_bias


def share_of(head, prompt, modality):
    """The modality's share by softmax, beside the prompt's own."""
    return jax.nn.sigmoid(alpha(head, prompt, modality) - alpha(head, prompt, prompt))


def fit_relevance(asked):
    prompt, modality, gone = (np.array(column) for column in zip(*asked))
    fit, judge = np.s_[: len(gone) // 2], np.s_[len(gone) // 2 :]
    draw = np.random.default_rng(1)
    width = prompt.shape[1]
    head = tuple(map(jnp.asarray, (draw.normal(0, (2 * width) ** -0.5, (UNITS, 2 * width)), np.zeros(UNITS), draw.normal(0, UNITS**-0.5, UNITS), 0.0)))

    def lost(head):
        share = jnp.clip(share_of(head, prompt[fit], modality[fit]), 1e-6, 1 - 1e-6)
        return -(gone[fit] * jnp.log(share) + (1 - gone[fit]) * jnp.log(1 - share)).mean() + 1e-5 * sum((part**2).sum() for part in head)

    @jax.jit
    def step(head, first, second, at):
        slope = jax.grad(lost)(head)
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, slope)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, slope)
        moved = lambda w, m, v: w - RATE * (m / (1 - 0.9**at)) / (jnp.sqrt(v / (1 - 0.999**at)) + 1e-8)
        return jax.tree.map(moved, head, first, second), first, second

    first = second = jax.tree.map(jnp.zeros_like, head)
    for at in range(1, STEPS + 1):
        head, first, second = step(head, first, second, float(at))
    share, truth = np.asarray(share_of(head, prompt[judge], modality[judge])), gone[judge]
    cosine = (prompt * modality).sum(1) / np.linalg.norm(prompt, axis=1) / np.linalg.norm(modality, axis=1)
    print(f"Eq. 6: {truth.mean():.3f} of an answer goes with its pictures, {truth.std():.3f} deviation; {truth.size} questions")
    print(f"   ranked right: head {concordance(share, truth):.3f}, stand-in {concordance(cosine[judge], truth):.3f}; correlation {np.corrcoef(share, truth)[0, 1]:.3f}")
    return tuple(np.asarray(part) for part in head)


def digits(values):
    return "[" + ", ".join(f"{value:.6g}" for value in np.ravel(values)) + "]"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    read = lambda name: {key: jnp.asarray(value, jnp.float32) for key, value in half(load_checkpoint(folder / f"{name}.npz")[0][0]).items()}
    draft, target = read("draft"), read("target")
    lessons = Lessons(folder / "probed", json.loads(WORDS.read_text()))
    maps, grown, asked = [], [], []
    for of, all_of in lessons.lessons.items():
        for start in range(0, len(all_of) - ROWS + 1, ROWS):
            seen, costs, questions = looked_at(of, range(start, start + ROWS), lessons, draft, target)
            maps.append(seen)
            grown.append(costs)
            asked.append(questions)
    # Halves with as many lessons of two pictures: every second batch goes to each.
    order = [*range(0, len(maps), 2), *range(1, len(maps), 2)]
    side, weights, bias = fit_spatial(*(np.concatenate([parts[at] for at in order]) for parts in (maps, grown)))
    inner, inner_bias, outer, outer_bias = fit_relevance([question for at in order for question in asked[at]])
    HEADS.write_text(
        "# The probe's heads for the trained draft (Eq. 3 and 6 of MSAO), fitted by heads.py to what the target loses without a token.\n\n"
        f"[spatial]\npool = {side}\nweights = {digits(weights)}\nbias = {bias:.6g}\n\n"
        f"[relevance]\nprompt = {len(weights)}\nmodality = {len(weights)}\nhidden = {UNITS}\ninner_weights = {digits(inner)}\n"
        f"inner_bias = {digits(inner_bias)}\nouter_weights = {digits(outer)}\nouter_bias = {float(outer_bias):.6g}\n"
    )


if __name__ == "__main__":
    main()
