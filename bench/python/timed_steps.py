"""What every network's steps in PyTorch share: reading the problem, the loop of forward, backward and Adam, and its report.

A script is called as SCRIPT.py PROBLEM.json WARM_UP STEPS THREADS, and prints the milliseconds of each step, its loss,
and the CPU milliseconds (all threads) of a step after the warm-up.
"""
import json
import sys
import time

import torch


def read_problem():
    torch.set_num_threads(int(sys.argv[4]))
    with open(sys.argv[1]) as file:
        return json.load(file)


def tensor(part):
    return torch.tensor(part["values"], dtype=torch.float32).reshape(part["shape"])


def report_steps(weights, rate, loss_of):
    warm_up, steps = map(int, sys.argv[2:4])
    adam = torch.optim.Adam(weights.values(), lr=rate, eps=1e-7)
    times, losses = [], []
    for step in range(steps):
        if step == warm_up:
            cpu = time.process_time()
        began = time.perf_counter()
        adam.zero_grad()
        loss = loss_of()
        loss.backward()
        adam.step()
        losses.append(loss.item())
        times.append(1000 * (time.perf_counter() - began))
    cpu = 1000 * (time.process_time() - cpu) / (steps - warm_up)
    print(json.dumps({"version": torch.__version__, "times": times, "cpu": cpu, "losses": losses}))
