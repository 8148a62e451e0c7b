#!/usr/bin/env python3
"""Makes src/analysis/wording.tsv, the weights of words, from labelled corpora.

A corpus is one JSON object a line, as scripts/score-corpus.py reads it; a source is what "source" says, or else
the file's name. The marks of each item are read by hawkeye itself (the test `marks_of_a_text`), so that what is
learnt is what is looked for; what is learnt is a logistic regression. A mark is kept where enough items of
several sources have it, and then those that weigh most. Names do not count as words: neither what has digits or
underscores, nor what any item's server is called. No item of a corpus gets into the file, and the same corpora
make the same file.

    scripts/train-wording.py dev.jsonl more.jsonl > src/analysis/wording.tsv

Needs cargo, and Python's numpy.
"""

import argparse
import collections
import json
import os
import re
import subprocess
import sys
import tempfile

import numpy

NOT_SENT = {"id", "server", "kind", "label", "category", "source", "evidence"}
# Those that name a harmful purpose openly weigh less: they are another kind of text.
LABELS = {("malicious", "metadata"): 1.0, ("malicious", "declared"): 0.3, ("benign", "metadata"): 1.0}


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
    """What hawkeye reads of each item."""
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
            found = [set(filter(None, line.rstrip("\n").split("\t"))) for line in lines]
    if len(found) != len(items):
        sys.exit(f"train-wording: {len(found)} of {len(items)} items were read")
    return found


def common(items, found, at_least, sources):
    """The marks that may be kept."""
    called = {word for item in items for word in re.findall(r"[a-z]+", str(item.get("server", "")).lower())}
    count, of = collections.Counter(), collections.defaultdict(set)
    for item, all_marks in zip(items, found):
        for mark in all_marks:
            count[mark] += 1
            of[mark].add(item["source"])
    general = set()
    for mark in count:
        kind, *words = mark.split(" ")
        # A name that half of all texts use is a word.
        named = kind not in ("notion", "notions") and any(w in called and count["word " + w] < 30 for w in words)
        if count[mark] >= at_least and len(of[mark]) >= sources and not named:
            general.add(mark)
    return sorted(general)


def matrix(found, vocabulary):
    number = {mark: n for n, mark in enumerate(vocabulary)}
    table = numpy.zeros((len(found), len(vocabulary) + 1), dtype=numpy.float64)
    table[:, -1] = 1.0
    for row, all_marks in enumerate(found):
        for mark in all_marks:
            if mark in number:
                table[row, number[mark]] = 1.0
    return table


def regress(table, label, weight, strength):
    """Logistic regression with a quadratic penalty, by Newton's method in the space of items."""
    kernel = table @ table.T
    side = numpy.zeros(len(label))
    for _ in range(40):
        margin = kernel @ side
        chance = 1 / (1 + numpy.exp(-margin))
        gradient = weight * (label - chance) * strength - side
        if numpy.abs(gradient).max() < 1e-7:
            break
        curve = weight * chance * (1 - chance) * strength
        side += numpy.linalg.solve(numpy.eye(len(label)) + curve[:, None] * kernel, gradient)
    return table.T @ side


def train(items, found, most, at_least=3, sources=2, strength=0.1, honest=1.0):
    """Marks and their weights in hundredths, the base last."""
    label = numpy.array([float(i["label"] == "malicious") for i in items])
    weight = numpy.array([LABELS[i["label"], i["evidence"]] * (1.0 if i["label"] == "malicious" else honest) for i in items])
    vocabulary = common(items, found, at_least, sources)
    weights = regress(matrix(found, vocabulary), label, weight, strength)
    order = sorted(range(len(vocabulary)), key=lambda n: (-abs(weights[n]), vocabulary[n]))[:most]
    vocabulary = sorted(vocabulary[n] for n in order)
    weights = regress(matrix(found, vocabulary), label, weight, strength * 1.5)
    return [(m, round(100 * w)) for m, w in zip([*vocabulary, "base"], weights)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus", nargs="+")
    parser.add_argument("--most", type=int, default=2400, help="marks kept (default: 2400)")
    args = parser.parse_args()
    items = read(args.corpus)
    weights = train(items, marks(items), args.most)
    print("# Made by scripts/train-wording.py: a mark and its weight in hundredths a line. Do not edit by hand.")
    for mark, weight in sorted(weights, key=lambda w: (w[0] != "base", w[0])):
        if weight or mark == "base":
            print(f"{mark}\t{weight}")


if __name__ == "__main__":
    main()
