#!/usr/bin/env python3
"""Submits a run to a Jobbers server, waits for its result, and prints it. Needs nothing but Python's standard library.

    python3 produce.py --url http://127.0.0.1:8700 --dag crawl --input '{"sitemap": "https://example.org/sitemap.xml"}'

The run's id is a ULID that is chosen here, before anything is sent. So every request may be sent again when its answer was lost: the
server answers with the run that exists, and nothing is done twice.
"""
import argparse
import http.client
import json
import os
import random
import sys
import time
import urllib.error
import urllib.request

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
WORTH_REPEATING = {408, 429, 500, 502, 503, 504}


def ulid():
    """Answers a new ULID: 48 bits of the time in milliseconds, then 80 random ones."""
    number = (int(time.time() * 1000) << 80) | int.from_bytes(os.urandom(10), "big")
    return "".join(ALPHABET[(number >> shift) & 31] for shift in range(125, -5, -5))


class Refused(Exception):
    """The server said no, and would say so again: holds its problem document (RFC 9457)."""

    def __init__(self, problem):
        self.problem = problem
        pointers = "".join(f"\n  {each['pointer']}: {each['detail']}" for each in problem.get("errors", []))
        super().__init__(f"{problem.get('code', problem.get('status'))}: {problem.get('detail', '')}{pointers}")


class Jobbers:
    """A server of Jobbers, as far as a producer needs it."""

    def __init__(self, url, token=None, patience_s=60.0):
        self.url = url.rstrip("/")
        self.token = token
        self.patience_s = patience_s

    def submit(self, kind, name, given, run_id=None):
        """Submits a run of a dag or task; answers its id."""
        body = {"id": run_id or ulid(), kind: name, "input": given}
        return self._call("POST", "/v1/runs", body)["id"]

    def result(self, run_id):
        """Waits for the end of a run, however long it takes; answers its output."""
        while True:
            answer = self._call("GET", f"/v1/runs/{run_id}/result?wait=30s")
            if answer["state"] == "succeeded":
                return answer["output"]

    def _call(self, method, path, body=None):
        """Sends a request, and again while nobody answers it or the server asks for patience."""
        until = time.monotonic() + self.patience_s
        for attempt in range(1000):
            try:
                return self._send(method, path, body)
            except urllib.error.HTTPError as error:
                problem = self._problem_of(error)
                if error.code not in WORTH_REPEATING:
                    raise Refused(problem) from None
                last, pause_s = Refused(problem), float(error.headers.get("Retry-After") or 0)
            except (urllib.error.URLError, ConnectionError, http.client.HTTPException, TimeoutError) as error:
                last, pause_s = error, 0.0
            pause_s = max(pause_s, random.uniform(0.5, 1.0) * min(5.0, 0.1 * 2**attempt))
            if time.monotonic() + pause_s > until:
                raise last
            time.sleep(pause_s)

    def _send(self, method, path, body):
        request = urllib.request.Request(self.url + path, method=method)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        with urllib.request.urlopen(request, timeout=45) as answer:
            return json.load(answer)

    @staticmethod
    def _problem_of(error):
        try:
            return json.load(error)
        except ValueError:
            return {"status": error.code, "detail": error.reason}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", default=os.environ.get("JOBBERS_URL", "http://127.0.0.1:8700"))
    parser.add_argument("--id", help="a ULID; default: a new one")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--dag")
    what.add_argument("--task")
    parser.add_argument("--input", default="{}", help="JSON")
    given = parser.parse_args()

    jobbers = Jobbers(given.url, token=os.environ.get("JOBBERS_TOKEN"))
    kind, name = ("dag", given.dag) if given.dag else ("task", given.task)
    try:
        run_id = jobbers.submit(kind, name, json.loads(given.input), given.id)
        print(f"run {run_id}", file=sys.stderr)
        print(json.dumps(jobbers.result(run_id)))
    except Refused as refusal:
        sys.exit(str(refusal))
    except (OSError, http.client.HTTPException) as error:
        sys.exit(f"{given.url} does not answer: {error}")


if __name__ == "__main__":
    main()
