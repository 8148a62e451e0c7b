#!/usr/bin/env python3
"""Makes src/analysis/wording.tsv, the weights of words, from labelled corpora.

A corpus is one JSON object a line, as scripts/score-corpus.py reads it; a source is what "source" says, or else
the file's name. The marks of each word are read by hawkeye itself (the test `marks_of_a_text`), so that what is
learnt is what is looked for.

An item is as heavy as its heaviest window, so that is what is learnt from: of a malicious item the window that
is heaviest so far, of an honest one every window that ever was the heaviest. Beside the items as they are there
are malicious ones with honest text around them, and honest ones of several servers one after another. What is
learnt is a logistic regression. A mark is kept where enough items of several sources have it, and then those
that weigh most. Names do not count as words: neither what has digits or underscores, nor what any item's server
is called. No item of a corpus gets into the file, and the same corpora make the same file, byte by byte.

    scripts/train-wording.py dev.jsonl more.jsonl > src/analysis/wording.tsv

Needs cargo, and for Python: pip install numpy scipy scikit-learn.
"""

import argparse
import collections
import json
import os
import random
import re
import subprocess
import sys
import tempfile

# Sums in another order are other sums.
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy
import scipy.sparse
from sklearn.linear_model import LogisticRegression

NOT_SENT = {"id", "server", "kind", "label", "category", "source", "evidence"}
# Those that name a harmful purpose openly weigh less: they are another kind of text.
LABELS = {("malicious", "metadata"): 1.0, ("malicious", "declared"): 0.3, ("benign", "metadata"): 1.0}
# What items weigh that are made of others.
MADE = 0.5
# Shorter items are no text to put around anything.
SHORT = 8
ROUNDS = 5


def read(paths):
    items = []
    for path in paths:
        with open(path, encoding="utf-8") as lines:
            for line in filter(str.strip, lines):
                item = json.loads(line)
                item["source"] = item.get("source") or os.path.basename(path)
                if (item["label"], item["evidence"]) in LABELS:
                    items.append(item)
    return items


def marks(items):
    """What hawkeye reads of each item: the marks of each of its words."""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "items.ndjson"), "w", encoding="utf-8") as out:
            for item in items:
                out.write(json.dumps({k: v for k, v in item.items() if k not in NOT_SENT}) + "\n")
        command = ["cargo", "test", "--quiet", "--lib", "wording::tests::marks_of_a_text"]
        env = {**os.environ, "HAWKEYE_TEST_MARKS": folder}
        done = subprocess.run(command, cwd=here, env=env, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"train-wording: {' '.join(command)} ended with {done.returncode}: {done.stderr[-800:]}")
        with open(os.path.join(folder, "marks.tsv"), encoding="utf-8") as lines:
            found = [words(line.rstrip("\n")) for line in lines]
    if len(found) != len(items):
        sys.exit(f"train-wording: {len(found)} of {len(items)} items were read")
    return found


def words(line):
    """The words of a line of marks.tsv: marks with tabs between, and bars between words."""
    all_words = [[]]
    for mark in filter(None, line.split("\t")):
        if mark == "|":
            all_words.append([])
        else:
            all_words[-1].append(mark)
    return all_words


def window():
    """The length of the window, in words: what the program says."""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    with open(os.path.join(here, "src", "analysis", "wording.rs"), encoding="utf-8") as source:
        return int(re.search(r"const WINDOW: usize = (\d+);", source.read()).group(1))


def common(items, found, at_least=3, sources=2):
    """The marks that may be kept."""
    called = {word for item in items for word in re.findall(r"[a-z]+", str(item.get("server", "")).lower())}
    count, of = collections.Counter(), collections.defaultdict(set)
    for item, its_words in zip(items, found):
        for mark in {mark for word in its_words for mark in word}:
            count[mark] += 1
            of[mark].add(item["source"])
    general = set()
    for mark in count:
        kind, *parts = mark.split(" ")
        # A name that half of all texts use is a word.
        named = kind not in ("notion", "notions") and any(p in called and count["word " + p] < 30 for p in parts)
        if count[mark] >= at_least and len(of[mark]) >= sources and not named:
            general.add(mark)
    return sorted(general)


def around(order, honest, chance, length):
    """`order` with so many words of honest items before and after it."""
    before, after = [], []
    while len(before) < length:
        before = before + chance.choice(honest)
    while len(after) < length:
        after = after + chance.choice(honest)
    return before + order + after


def windows(found, vocabulary, length):
    """A row for each window of each item: the marks in it; and whose window it is."""
    number = {mark: n for n, mark in enumerate(vocabulary)}
    ends, columns, starts = [0], [], []
    for its_words in found:
        starts.append(len(ends) - 1)
        for word in its_words:
            columns.extend(number[mark] for mark in word if mark in number)
            ends.append(len(columns))
    starts.append(len(ends) - 1)
    ones = numpy.ones(len(columns), dtype=numpy.float32)
    by_word = scipy.sparse.csr_matrix((ones, columns, ends), shape=(len(ends) - 1, len(vocabulary)))
    spans, owner = [], []
    for item, (start, end) in enumerate(zip(starts, starts[1:])):
        # Every other window tells enough.
        last = sorted({*range(min(start + length, end), end + 1, 2), end})
        spans.extend((max(start, to - length), to) for to in last)
        owner.extend([item] * len(last))
    inside = numpy.concatenate([numpy.arange(start, end) for start, end in spans])
    ends = numpy.cumsum([0] + [end - start for start, end in spans])
    ones = numpy.ones(len(inside), dtype=numpy.float32)
    rows = (scipy.sparse.csr_matrix((ones, inside, ends), shape=(len(spans), by_word.shape[0])) @ by_word).tocsr()
    rows.sort_indices()
    rows.data[:] = 1
    return rows, numpy.array(owner)


def heaviest(rows, owner, weights):
    """The heaviest window of each item, the first of equals."""
    score = numpy.round(rows @ weights, 6)
    order = numpy.lexsort((numpy.arange(len(owner)), -score, owner))
    return order[numpy.unique(owner[order], return_index=True)[1]]


def regress(rows, label, weight, strength):
    model = LogisticRegression(C=strength, solver="lbfgs", max_iter=500, tol=1e-5)
    model.fit(rows, label, weight)
    return model.coef_[0], model.intercept_[0]


def learn(rows, owner, label, weight, strength, weights):
    """The weights with which windows are chosen, and learnt from, until nothing changes."""
    honest, base = set(), 0.0
    for _ in range(ROUNDS):
        chosen = heaviest(rows, owner, weights)
        found = {int(n) for n in chosen if not label[owner[n]]}
        if honest and found <= honest:
            break
        honest |= found
        taken = numpy.array(sorted({int(n) for n in chosen if label[owner[n]]} | honest))
        # An item with many windows counts more than once, but not as often as it has windows.
        share = numpy.bincount(owner[taken], minlength=len(label))[owner[taken]] ** -0.5
        weights, base = regress(rows[taken], label[owner[taken]], weight[owner[taken]] * share, strength)
    return weights, base


def train(items, found, length, most, strength=0.2, seed=3):
    """Marks and their weights in hundredths, the base last."""
    chance = random.Random(seed)
    label = [int(i["label"] == "malicious") for i in items]
    weight = [LABELS[i["label"], i["evidence"]] for i in items]
    vocabulary = common(items, found)
    honest = [w for w, bad in zip(found, label) if not bad and len(w) > SHORT]
    bad = [w for w, i in zip(found, items) if (i["label"], i["evidence"]) == ("malicious", "metadata")]
    hidden = [around(order, honest, chance, length // 2) for order in bad]
    manuals = [around([], honest, chance, 3 * length) for _ in bad]
    label = numpy.array(label + [1] * len(hidden) + [0] * len(manuals))
    weight = numpy.array(weight + [MADE] * (len(hidden) + len(manuals)))
    rows, owner = windows(found + hidden + manuals, vocabulary, length)
    # The first choice: the window with the most marks that are more frequent in orders.
    first = numpy.asarray(rows[label[owner] == 1].mean(axis=0) - rows[label[owner] == 0].mean(axis=0)).ravel()
    weights, _ = learn(rows, owner, label, weight, strength, first)
    order = sorted(range(len(vocabulary)), key=lambda n: (-round(abs(weights[n]), 5), vocabulary[n]))
    kept = sorted(order[:most])
    weights, base = learn(rows[:, kept], owner, label, weight, strength * 1.5, weights[kept])
    return [(m, round(100 * w)) for m, w in zip([*(vocabulary[n] for n in kept), "base"], [*weights, base])]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus", nargs="+")
    parser.add_argument("--most", type=int, default=2400, help="marks kept (default: 2400)")
    args = parser.parse_args()
    items = read(args.corpus)
    weights = train(items, marks(items), window(), args.most)
    print("# Made by scripts/train-wording.py: a mark and its weight in hundredths a line. Do not edit by hand.")
    for mark, weight in sorted(weights, key=lambda w: (w[0] != "base", w[0])):
        if weight or mark == "base":
            print(f"{mark}\t{weight}")


if __name__ == "__main__":
    main()
