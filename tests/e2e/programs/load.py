"""Requests to a server, some at once: load.py URL REQUESTS AT_ONCE OUT IN

Makes half of them, then writes a line to OUT and waits for one from IN (both
are FIFOs), then makes the rest. Prints for each half: good ones, failed ones, and the
longest wait in milliseconds.
"""
import sys
import threading
import time
import urllib.request

url, requests, at_once, half_done, go_on = sys.argv[1:6]


def fetch(waits, failures):
    began = time.monotonic()
    try:
        with urllib.request.urlopen(url, timeout=20) as reply:
            reply.read()
        waits.append((time.monotonic() - began) * 1000)
    except OSError as error:
        failures.append(str(error))


def half():
    waits, failures = [], []

    def work():
        for _ in range(int(requests) // 2 // int(at_once)):
            fetch(waits, failures)

    threads = [threading.Thread(target=work) for _ in range(int(at_once))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(len(waits), len(failures), round(max(waits, default=0)), flush=True)
    for failure in failures[:3]:
        print(failure, file=sys.stderr)


half()
with open(half_done, "w", encoding="ascii") as out:
    out.write("half\n")
with open(go_on, encoding="ascii") as answer:
    answer.readline()
half()
