"""Compares texts by the length of their sentences: JSON in on stdin, JSON out on stdout; nothing but the standard library.

With JOURNAL it notes there that it has begun; with PAUSE it rests half way for so many seconds, so that one has time to kill its worker.
"""

import json
import os
import statistics
import subprocess
import sys


def say(what, **parts):
    """Tells the worker something beside the output; its key "jobbers" has to come first."""
    print(json.dumps({"jobbers": what, **parts}), flush=True)


def rest():
    # In a child, so that one sees that the worker takes along what its programs have started.
    child = subprocess.Popen(["sleep", os.environ["PAUSE"]])
    say("log", message=f"half way: {os.getpid()} rests, its child is {child.pid}")
    child.wait()


if "JOURNAL" in os.environ:
    with open(os.environ["JOURNAL"], "a") as journal:
        print(os.environ["JOBBERS_STEP"], os.getpid(), file=journal)

texts = json.load(sys.stdin)["texts"]
compared = []
for done, text in enumerate(texts):
    say("heartbeat", at=text["title"], done=done, total=len(texts))
    if "PAUSE" in os.environ and done == len(texts) // 2:
        rest()
    lengths = text["lengths"]
    if lengths:
        mean = round(statistics.fmean(lengths), 1)
        compared.append({"title": text["title"], "sentences": len(lengths), "mean": mean, "longest": max(lengths)})

print(json.dumps(sorted(compared, key=lambda text: (-text["mean"], text["title"]))))
