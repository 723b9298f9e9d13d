"""Prints the data lines of an event stream, each as soon as `requests` yields it."""

import sys

import requests

with requests.get(sys.argv[1], headers={"Accept": "text/event-stream"}, stream=True) as response:
    for line in response.iter_lines():
        if line.startswith(b"data: "):
            print(line[len("data: ") :].decode(), flush=True)
