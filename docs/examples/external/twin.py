"""The twin of `speculative`: batches of four drafts, blocking. It asks for nothing, so a run gives the same events."""

import sys

sys.stdin.readline()
print('{"msao_sim": 1, "course": {"route": "draft", "n_draft": 4}}', flush=True)
sys.stdin.read()  # until the run ends
