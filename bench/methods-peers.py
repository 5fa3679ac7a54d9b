"""Time and memory of one peer on one image: methods-peers.py NAME IMAGE MASK; prints one line of JSON.

As bench/method-cost.ts measures attune: values in memory to new values in memory, what a population teaches left out.
"""

import json
import re
import sys
import time
from importlib.metadata import version
from pathlib import Path

import nibabel
import numpy as np

RUNS = 3
SINGLE = {"zscore": "ZScore", "whitestripe": "WhiteStripe", "kde": "KDE", "fcm": "FCM"}


def status(key: str) -> float:
    return int(re.search(rf"{key}:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def peer(name: str, x: np.ndarray, mask: np.ndarray):
    package, method = name.split()
    if package == "intensity-normalization":
        from importlib import import_module

        from intensity_normalization.adapters.images import create_image

        image, inside = create_image(x), create_image(mask)
        kind = "individual" if method in SINGLE else "population"
        names = {**SINGLE, "lsq": "LSQ", "nyul": "Nyul"}
        module = import_module(f"intensity_normalization.normalizers.{kind}.{method}")
        normalizer = getattr(module, f"{names[method]}Normalizer")
        if kind == "individual":
            return lambda: normalizer().fit(image, inside).transform(image, inside)
        learned = normalizer().fit_population([image], [inside])
        return lambda: learned.transform(image, inside)
    if package == "torchio":
        import torchio

        values = np.percentile(x[mask > 0], [1, 10, 20, 25, 30, 40, 50, 60, 70, 75, 80, 90, 99])
        subject = torchio.Subject(
            t1=torchio.ScalarImage(tensor=x[None]), mask=torchio.LabelMap(tensor=mask[None].astype(np.uint8))
        )
        transform = torchio.HistogramStandardization({"t1": values}, masking_method="mask")
        return lambda: transform(subject)
    if package == "scikit-image":
        from skimage.exposure import match_histograms

        inside = x[mask > 0]
        return lambda: match_histograms(inside, inside)
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(x)
    matcher = sitk.HistogramMatchingImageFilter()
    matcher.SetNumberOfHistogramLevels(1024)
    matcher.SetNumberOfMatchPoints(256)
    return lambda: matcher.Execute(image, image)


def main(name: str, image: str, mask: str) -> None:
    np.random.seed(0)
    x = np.asanyarray(nibabel.load(image).dataobj).astype(np.float32)
    inside = np.asanyarray(nibabel.load(mask).dataobj).astype(np.float32)
    work = peer(name, x, inside)
    Path("/proc/self/clear_refs").write_text("5")
    held = status("VmRSS")
    seconds, peak = float("inf"), None
    for _ in range(RUNS):
        started = time.perf_counter()
        work()
        seconds = min(seconds, time.perf_counter() - started)
        peak = peak or status("VmHWM")
    package = name.split()[0]
    found = {"seconds": seconds, "addedMiB": peak - held, "peakMiB": peak, "version": f"{package} {version(package)}"}
    print(json.dumps(found))


main(*sys.argv[1:])
