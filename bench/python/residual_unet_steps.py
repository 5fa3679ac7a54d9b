"""Steps of the network of residual-unet in PyTorch (timed_steps.py)."""

import torch
import torch.nn.functional as F
from timed_steps import read_problem, report_steps, tensor

problem = read_problem()
LEAK, BOUND = problem["leak"], problem["bound"]
layout = torch.channels_last if problem["channelsLast"] else torch.contiguous_format

weights = {}
for name, part in problem["weights"].items():
    value = tensor(part)
    if value.dim() == 4:  # [height, width, in, out] to [out, in, height, width]
        value = value.permute(3, 2, 0, 1).contiguous(memory_format=layout)
    weights[name] = value.requires_grad_()
slices = tensor(problem["slices"]).permute(0, 3, 1, 2).contiguous(memory_format=layout)
goal = tensor(problem["goal"]).permute(0, 3, 1, 2)
codes = tensor(problem["codes"])
band = torch.tensor(problem["band"], dtype=torch.float32)
reach = len(problem["band"]) // 2


def network():
    hidden = F.leaky_relu(codes @ weights["code/kernel"] + weights["code/bias"], LEAK)
    film = hidden @ weights["film/kernel"] + weights["film/bias"]
    at = 0

    def modulation(channels):
        nonlocal at
        part = film[:, at : at + channels, None, None]
        at += channels
        return part

    def block(x, name, outputs):
        first = F.conv2d(x, weights[f"{name}/kernel1"], padding=1)
        scale = modulation(outputs) + 1
        h = F.leaky_relu(first * scale + modulation(outputs), LEAK)
        return F.leaky_relu(F.conv2d(h, weights[f"{name}/kernel2"], weights[f"{name}/bias2"], padding=1), LEAK)

    skips, x = [], slices
    for name, outputs in problem["down"]:
        x = block(x if not skips else F.avg_pool2d(x, 2), name, outputs)
        skips.append(x)
    for step, (name, outputs) in enumerate(problem["up"]):
        skip = skips[len(skips) - 2 - step]
        up = F.interpolate(x, size=skip.shape[2:], mode="bilinear", align_corners=False)
        x = block(torch.cat([up, skip], 1), name, outputs)
    head = F.conv2d(x, weights["head/kernel"], weights["head/bias"])
    y = head.tanh() * BOUND
    y = F.conv2d(y, band.reshape(1, 1, -1, 1), padding=(reach, 0))
    return F.conv2d(y, band.reshape(1, 1, 1, -1), padding=(0, reach))


report_steps(weights, problem["rate"], lambda: (network() - goal).abs().mean())
