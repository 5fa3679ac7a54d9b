"""Steps of the network of local-tone in PyTorch (timed_steps.py)."""
import math

import torch
import torch.nn.functional as F
from timed_steps import read_problem, report_steps, tensor

problem = read_problem()
R, A, S = problem["cells"]
BINS = problem["bins"]


weights = {name: tensor(part) for name, part in problem["weights"].items()}
for name in ("conv1", "conv2", "conv3"):  # [27, in, out] to [out, in, 3, 3, 3]
    kernel = weights[f"{name}/kernel"]
    shape = (3, 3, 3, kernel.shape[1], kernel.shape[2])
    weights[f"{name}/kernel"] = kernel.reshape(shape).permute(4, 3, 0, 1, 2).contiguous()
for weight in weights.values():
    weight.requires_grad_()
features = tensor(problem["features"]).permute(0, 4, 1, 2, 3)
if problem["channelsLast"]:
    features = features.contiguous(memory_format=torch.channels_last_3d)
else:
    features = features.contiguous()
increments = tensor(problem["increments"])
goal = tensor(problem["goal"])
domains = torch.tensor(problem["domains"])


def convolve(x, name):
    return F.conv3d(x, weights[f"{name}/kernel"], weights[f"{name}/bias"], padding=1)


def level(curves, step):
    def envelope(sign):
        x = curves
        for axis in (1, 2, 3):
            n = x.shape[axis]
            at = torch.arange(n)
            distance = sign * step * (at[:, None] - at[None, :]).abs().float()
            before, after = math.prod(x.shape[:axis]), math.prod(x.shape[axis + 1 :])
            raised = x.reshape(before, 1, n, after) + distance.reshape(1, n, n, 1)
            x = (raised.amin(2) if sign > 0 else raised.amax(2)).reshape(x.shape)
        return x

    return 0.5 * (envelope(1) + envelope(-1))


def limit(bounded, per_cell):
    batch = bounded.shape[0]
    curves = level(bounded.cumsum(2).reshape(batch, R, A, S, BINS), problem["perAxis"] * per_cell)
    levelled = torch.diff(curves.reshape(batch, R * A * S, BINS), dim=2, prepend=torch.zeros(batch, R * A * S, 1))
    mean = levelled.mean(1, keepdim=True)
    squares = 0
    for axis in (1, 2, 3):
        x = torch.diff(curves, dim=axis).abs()
        for other in (1, 2, 3):
            if other != axis:
                n = x.shape[other] - 1
                x = torch.maximum(x.narrow(other, 0, n), x.narrow(other, 1, n))
        squares = squares + x.square()
    steepest = squares.amax((1, 2, 3, 4))
    share = (per_cell / (steepest + 1e-12).sqrt()).clamp(max=1).reshape(batch, 1, 1)
    return mean + share * (levelled - mean)


def network():
    h1 = F.avg_pool3d(convolve(features, "conv1").relu(), 2)
    h2 = convolve(h1, "conv2").relu()
    context = h2.mean((2, 3, 4)) @ weights["context"]
    h3 = (convolve(h2, "conv3") + context[:, :, None, None, None]).relu()
    flat = h3.permute(0, 2, 3, 4, 1).reshape(-1, R * A * S, h3.shape[1])
    place = weights["place"][domains].reshape(-1, R * A * S, BINS)
    p = flat @ weights["head/kernel"] + weights["head/bias"] + place
    bounded = (p.tanh() * math.log(problem["slopeRatio"])).exp() * increments
    return limit(bounded, problem["perMm"] * problem["cellMm"])


report_steps(weights, problem["rate"], lambda: (network() - goal).square().mean())
