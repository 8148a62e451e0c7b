#!/usr/bin/env python3
"""What a cluster costs beyond the work itself: jobs a second through the queue, and bytes in it.

    scripts/bench-cluster.py [--binary target/release/hawkeye] [--targets 10000] [--workers 3] [--slots 15]

Needs redis-server and a hawkeye built with --features cluster. Everything runs on this machine: one Redis, the
workers, and the scanning host. The targets are as good as nothing: each URL is of a port where nobody listens, so
that asking it is one refused connection. The same list is scanned without the cluster for comparison; the
difference is what the queue costs. Prints a table in Markdown.
"""

import argparse
import base64
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_of(pid):
    """Seconds of processor time of a process so far."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def scan(binary, folder, *more):
    """One scan: wall and processor seconds, peak of memory in MiB."""
    command = [binary, "scan", "--config", f"{folder}/settings.yaml", "--targets", f"{folder}/targets.txt",
               "--format", "ndjson", "--output", f"{folder}/report.ndjson", "--no-history", "--no-progress",
               "--allow-incomplete", "--fail-on", "never", "-q", *more]
    began = time.monotonic()
    child = subprocess.Popen(command, env={**os.environ, "HOME": folder}, stderr=subprocess.DEVNULL)
    _, _, used = os.wait4(child.pid, 0)
    wall = time.monotonic() - began
    with open(f"{folder}/report.ndjson") as f:
        names = [json.loads(line)["endpoint"]["url"] for line in f if line.startswith('{"type":"target"')]
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, names


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default="target/release/hawkeye")
    parser.add_argument("--targets", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--slots", type=int, default=15)
    parser.add_argument("--algorithm", default="least_loaded")
    args = parser.parse_args()
    binary = os.path.abspath(args.binary)
    folder = tempfile.mkdtemp(prefix="hawkeye-bench-")
    port, nobody = free_port(), free_port()
    with open(f"{folder}/key", "wb", opener=lambda p, f: os.open(p, f, 0o600)) as f:
        f.write(base64.b64encode(os.urandom(32)))
    with open(f"{folder}/settings.yaml", "w") as f:
        f.write(f"mcp_introspection: {{max_retries: 0}}\n"
                f"cluster:\n  url: redis://127.0.0.1:{port}\n  key_file: {folder}/key\n  max_per_origin: 4096\n"
                f"  load_balancer: {{algorithm: {args.algorithm}}}\n")
    with open(f"{folder}/targets.txt", "w") as f:
        f.writelines(f"http://127.0.0.1:{nobody}/{n}\n" for n in range(args.targets))

    redis = subprocess.Popen(["redis-server", "--port", str(port), "--save", "", "--appendonly", "no", "--dir", folder],
                             stdout=subprocess.DEVNULL)
    workers = []
    try:
        def info(key):
            text = subprocess.run(["redis-cli", "-p", str(port), "info"], capture_output=True, text=True).stdout
            found = re.search(rf"^{key}:(\d+)", text, re.M)
            return int(found.group(1)) if found else 0

        while not info("tcp_port"):
            time.sleep(0.05)
        empty = info("used_memory")
        logs = [open(f"{folder}/worker{n}.log", "w+") for n in range(args.workers)]
        for n, log in enumerate(logs):
            workers.append(subprocess.Popen(
                [binary, "worker", "--config", f"{folder}/settings.yaml", "--name", f"w{n}",
                 "--concurrency", str(args.slots)], env={**os.environ, "HOME": folder}, stderr=log))
        while not all("takes" in open(log.name).read() for log in logs):
            if any(worker.poll() is not None for worker in workers):
                sys.exit(open(logs[0].name).read())
            time.sleep(0.05)

        here = scan(binary, folder, "--no-cluster", "--concurrency", str(args.workers * args.slots))
        before = [cpu_of(worker.pid) for worker in workers], cpu_of(redis.pid), info("total_net_input_bytes")
        subprocess.run(["redis-cli", "-p", str(port), "config", "resetstat"], stdout=subprocess.DEVNULL)
        there = scan(binary, folder, "--cluster")
        worked = sum(cpu_of(w.pid) - b for w, b in zip(workers, before[0]))
        queued = cpu_of(redis.pid) - before[1]
        if sorted(here[3]) != sorted(there[3]) or len(set(there[3])) != args.targets:
            sys.exit("the two reports do not hold the same targets")
        us = 1e6 / args.targets
        print(f"{args.targets} targets, {args.workers} workers of {args.slots}, {args.algorithm}\n")
        print("| | this host alone | cluster |\n|---|---|---|")
        print(f"| wall | {here[0]:.2f} s | {there[0]:.2f} s |")
        print(f"| targets a second | {args.targets / here[0]:.0f} | {args.targets / there[0]:.0f} |")
        print(f"| processor, scanning host | {here[1] * us:.0f} us a target | {there[1] * us:.0f} us |")
        print(f"| processor, all workers | | {worked * us:.0f} us |")
        print(f"| processor, Redis | | {queued * us:.0f} us |")
        print(f"| memory, scanning host | {here[2]:.0f} MiB | {there[2]:.0f} MiB |")
        print(f"| to Redis | | {info('total_net_input_bytes') / args.targets:.0f} bytes a target |")
        print(f"| from Redis | | {info('total_net_output_bytes') / args.targets:.0f} bytes a target |")
        peak = info("used_memory_peak") - empty
        print(f"| memory of Redis at most | | {peak / 1024:.0f} KiB over an empty one |")
    finally:
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
        for worker in workers:
            worker.wait(10)
        redis.terminate()
        redis.wait(10)


if __name__ == "__main__":
    main()
