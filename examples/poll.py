"""Long-polls a feed, and prints each notification as JSON: python3 poll.py URL [CURSOR]"""

import json
import random
import sys
import time

import requests


def poll(url, cursor=None):
    """Yields each notification once, with the cursor to store after it."""
    failures = 0
    with requests.Session() as session:
        while True:
            # The first request only gets the current cursor, so it does not wait.
            query = {"cursor": cursor} if cursor else {"wait": 0}
            try:
                response = session.get(url, params=query, timeout=(5, 60))
            except requests.RequestException:
                failures += 1
                time.sleep(random.uniform(0, min(30, 0.25 * 2**failures)))
                continue
            if response.status_code == 429 or response.status_code >= 500:
                time.sleep(float(response.headers.get("Retry-After", 5)))
                continue
            # 400, 401 and 403: a retry does not help.
            response.raise_for_status()
            failures = 0
            page = response.json()
            if "gap" in page:
                print("some notifications are lost:", page["gap"]["reason"], file=sys.stderr)
            cursor = page["cursor"]
            for notification in page["notifications"]:
                yield notification, cursor


if __name__ == "__main__":
    for notification, _ in poll(*sys.argv[1:]):
        print(json.dumps(notification), flush=True)
