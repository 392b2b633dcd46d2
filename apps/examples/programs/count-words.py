"""Counts words: JSON in on stdin, JSON out on stdout, progress between; nothing but the standard library."""

import collections
import json
import sys


def say(what, **parts):
    """Tells the worker something beside the output; its key "jobbers" has to come first."""
    print(json.dumps({"jobbers": what, **parts}), flush=True)


text = json.load(sys.stdin)["text"]
lines = text.splitlines()
if not lines:
    # Another try would not change that.
    say("error", name="EmptyText", message="there is no text to count", terminal=True)
    sys.exit(65)

words = collections.Counter()
for done, line in enumerate(lines, start=1):
    words.update(line.lower().split())
    say("heartbeat", at="counting", done=done, total=len(lines))

print("what goes to stderr is logged", file=sys.stderr)
print(json.dumps(dict(words.most_common(10))))
