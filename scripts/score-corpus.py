#!/usr/bin/env python3
"""Scores hawkeye on a corpus of labelled tools, prompts and resources.

The corpus is one JSON object a line: id, kind (tool, prompt, resource), label (malicious, benign), category,
evidence, and what a server would list. Each item is judged alone, as the only thing a server offers, by
`hawkeye assess`: no server is asked and nothing is run. Malicious items count where their evidence is in the
metadata; other kinds of evidence are shown apart. Beside it, the floor: nine fixed phrases.

    scripts/score-corpus.py corpus.jsonl --min-f1 0.85 --max-benign-high 0.001
"""

import argparse
import collections
import json
import os
import subprocess
import sys
import tempfile

RANK = {"info": 0, "low": 1, "medium": 2, "high": 3, "critical": 4}
LISTS = {"tool": "tools", "prompt": "prompts", "resource": "resources"}
NOT_SENT = {"id", "server", "kind", "label", "category", "source", "evidence"}
POISONING = ("HK-POI", "HK-FLW-002", "HK-UNI")
FLOOR = (
    "ignore previous instructions",
    "ignore all previous",
    "do not tell the user",
    "without telling the user",
    "<important>",
    "id_rsa",
    "system prompt",
    "before using any other tool",
    "exfiltrate",
)


def read(path):
    items = []
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                item = json.loads(line)
                LISTS[item["kind"]], item["label"], item["category"], item["evidence"]
            except (ValueError, KeyError, TypeError) as error:
                sys.exit(f"score-corpus: {path}:{number}: no item of a corpus: {error!r}")
            items.append(item)
    if not items:
        sys.exit(f"score-corpus: {path}: holds no item")
    return items


def assess(binary, items):
    """The findings of each item, in order."""
    with tempfile.TemporaryDirectory() as home:
        # Files of a few megabytes: assess takes no larger ones.
        files, size, out = [], 1 << 30, None
        for number, item in enumerate(items):
            sent = {key: value for key, value in item.items() if key not in NOT_SENT}
            line = json.dumps({"name": f"item-{number}", LISTS[item["kind"]]: [sent]}) + "\n"
            if size + len(line) > 2 << 20 or out is None:
                if out:
                    out.close()
                files.append(os.path.join(home, f"part-{len(files)}.ndjson"))
                out, size = open(files[-1], "w", encoding="utf-8"), 0
            out.write(line)
            size += len(line)
        out.close()
        command = [binary, "assess", *files, "--format", "ndjson", "--fail-on", "never", "--allow-incomplete"]
        env = {**os.environ, "HOME": home}
        done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
        if done.returncode != 0:
            sys.exit(f"score-corpus: {' '.join(command[:2])} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    found = {}
    for line in done.stdout.splitlines():
        entry = json.loads(line)
        if entry.get("type") == "target":
            target = entry.get("target", entry)
            # Files are clients of their own, so names may have got a number.
            found[int(target["name"].split("-")[1].split(" ")[0].split("#")[0])] = target["findings"]
    missing = [n for n in range(len(items)) if n not in found]
    if missing:
        sys.exit(f"score-corpus: {len(missing)} of {len(items)} items were not judged (first: item {missing[0]})")
    return [found[n] for n in range(len(items))]


def worst(findings, poisoning=False):
    return max((RANK[f["severity"]] for f in findings if not poisoning or f["rule"].startswith(POISONING)), default=-1)


def measure(items, flagged):
    """Precision, recall, F1, and flagged among benign."""
    tp = sum(f for i, f in zip(items, flagged) if i["label"] == "malicious" and i["evidence"] == "metadata")
    all_bad = sum(i["label"] == "malicious" and i["evidence"] == "metadata" for i in items)
    fp = sum(f for i, f in zip(items, flagged) if i["label"] == "benign")
    benign = sum(i["label"] == "benign" for i in items)
    precision = tp / (tp + fp) if tp + fp else 0.0
    recall = tp / all_bad if all_bad else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {"precision": precision, "recall": recall, "f1": f1, "fp": fp, "benign": benign, "rate": fp / benign if benign else 0.0}


def row(name, m):
    print(f"{name:<34} {m['precision']:9.3f} {m['recall']:7.3f} {m['f1']:7.3f} {m['fp']:5}/{m['benign']:<5} {m['rate']:7.2%}")


def table(title, items, columns, key):
    print(f"\n{title:<44} {'items':>6}" + "".join(f"{name:>10}" for name in columns))
    groups = collections.defaultdict(list)
    for number, item in enumerate(items):
        groups[key(item)].append(number)
    for group, numbers in sorted(groups.items()):
        counts = "".join(f"{sum(flags[n] for n in numbers):>10}" for flags in columns.values())
        print(f"{group:<44} {len(numbers):>6}{counts}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus")
    parser.add_argument("--binary", default="target/release/hawkeye", help="default: target/release/hawkeye")
    parser.add_argument("--min-f1", type=float, help="fail below this F1 at high or above")
    parser.add_argument("--max-benign-high", type=float, metavar="SHARE", help="fail above this share of benign items at high or above")
    parser.add_argument("--benign", metavar="CATEGORY", help="count the share among benign items of this category only")
    parser.add_argument("-v", action="store_true", help="list misses and false alarms")
    args = parser.parse_args()
    if not os.access(args.binary, os.X_OK):
        sys.exit(f"score-corpus: {args.binary}: no such program (build it, or give --binary)")

    items = read(args.corpus)
    findings = assess(args.binary, items)
    texts = [json.dumps({k: v for k, v in i.items() if k not in NOT_SENT}, ensure_ascii=False).lower() for i in items]
    floor = [any(phrase in text for phrase in FLOOR) for text in texts]
    high = [worst(f) >= RANK["high"] for f in findings]
    medium = [worst(f, poisoning=True) >= RANK["medium"] or h for f, h in zip(findings, high)]

    print(f"{len(items)} items; malicious ones count where evidence is metadata\n")
    print(f"{'':<34} {'precision':>9} {'recall':>7} {'F1':>7} {'benign flagged':>19}")
    at_high = measure(items, high)
    row("hawkeye, high or above", at_high)
    row("hawkeye, medium in poisoning rules", measure(items, medium))
    row("floor: nine phrases", measure(items, floor))
    columns = {"high": high, "medium": medium, "floor": floor}
    table("by evidence", items, columns, lambda i: f"{i['label']} / {i['evidence']}")
    table("by category", items, columns, lambda i: f"{i['label']} / {i['evidence']} / {i['category']}")

    alarms = [(i, f) for i, f, h in zip(items, findings, high) if h and i["label"] == "benign"]
    by_rule = collections.Counter(f["rule"] for _, found in alarms for f in found if RANK[f["severity"]] >= RANK["high"])
    print("\nrules behind false alarms: " + (", ".join(f"{r} {n}" for r, n in by_rule.most_common()) or "none"))
    if args.v:
        for item, found in alarms:
            for f in found:
                if RANK[f["severity"]] >= RANK["high"]:
                    print(f"false alarm  {item['id']}  {f['rule']}  {f['severity']}  {ascii(f.get('excerpt') or f['message'])[:120]}")
        for item, found, h in zip(items, findings, high):
            if item["label"] == "malicious" and item["evidence"] == "metadata" and not h:
                told = ", ".join(f"{f['rule']} {f['severity']}" for f in found) or "nothing"
                print(f"miss  {item['id']}  {item['category']}  ({told})")

    failures = []
    critical = sum(worst(f) >= RANK["critical"] for i, f in zip(items, findings) if i["label"] == "benign")
    if critical:
        failures.append(f"{critical} benign items are critical")
    if args.min_f1 is not None and at_high["f1"] < args.min_f1:
        failures.append(f"F1 {at_high['f1']:.3f} is below {args.min_f1}")
    if args.max_benign_high is not None:
        honest = [h for i, h in zip(items, high) if i["label"] == "benign" and args.benign in (None, i["category"])]
        share = sum(honest) / len(honest) if honest else 0.0
        if share > args.max_benign_high:
            failures.append(f"{share:.2%} of {len(honest)} benign items are high or above, more than {args.max_benign_high:.2%}")
    for failure in failures:
        print(f"score-corpus: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
