"""Writes methods.json: what independent software makes of two small synthetic brains.

usage: make_methods.py            (versions in methods.requirements.txt)

The images hold three tissues of overlapping intensities with partial volume, and a bright tail, in an ellipsoid; 0 around it.
Only figures and the results at every 11th voxel of the mask are kept. Random starts of peers are seeded.
"""

import json
import tempfile
from importlib.metadata import version
from pathlib import Path

import nibabel
import numpy as np
import SimpleITK as sitk
import torchio
from intensity_normalization.adapters.images import create_image
from intensity_normalization.normalizers.individual.fcm import FCMNormalizer
from intensity_normalization.normalizers.individual.kde import KDENormalizer
from intensity_normalization.normalizers.individual.whitestripe import WhiteStripeNormalizer
from intensity_normalization.normalizers.individual.zscore import ZScoreNormalizer
from intensity_normalization.normalizers.population.lsq import LSQNormalizer
from intensity_normalization.normalizers.population.nyul import NyulNormalizer
from scipy.signal import argrelmax
from scipy.stats import gaussian_kde
from skimage.exposure import match_histograms

HERE = Path(__file__).parent
SHAPE = (20, 24, 20)
EVERY = 11


def brain(seed: int, tissues: tuple[float, float, float], shares: tuple[float, float, float], sd: float):
    rng = np.random.default_rng(seed)
    at = [(2 * np.arange(n) + 1) / n - 1 for n in SHAPE]
    grid = np.meshgrid(*at, indexing="ij")
    inside = sum(axis**2 for axis in grid) < 0.9
    n = int(inside.sum())
    kind = rng.choice(3, size=n, p=shares)
    mixed = rng.uniform(size=n) < 0.15
    other = np.clip(kind + rng.choice([-1, 1], size=n), 0, 2)
    part = np.where(mixed, rng.uniform(size=n), 0.0)
    means = np.asarray(tissues)
    values = (1 - part) * means[kind] + part * means[other] + sd * rng.normal(size=n)
    bright = rng.uniform(size=n) < 0.01
    values = np.where(bright, means[2] * rng.uniform(1.3, 1.8, size=n), values)
    image = np.zeros(SHAPE)
    image[inside] = np.round(np.maximum(values, 1), 1)
    return image.astype(np.float32)


def last_peak(values: np.ndarray, bandwidth: float | None) -> float:
    """Last peak of a Gaussian kernel density on a grid of 4000 points, without values above the 96th percentile.

    bandwidth: SD of the kernel; None for Scott's rule. scipy takes it in units of the SD of the values (ddof 1).
    """
    body = values[values <= np.percentile(values, 96)].astype(float)
    factor = None if bandwidth is None else bandwidth / body.std(ddof=1)
    grid = np.linspace(body.min(), body.max(), 4000)
    density = gaussian_kde(body, bw_method=factor)(grid)
    return float(grid[argrelmax(density)[0][-1]])


def main() -> None:
    a = brain(1, (160.0, 420.0, 640.0), (0.15, 0.45, 0.40), 32.0)
    b = brain(2, (900.0, 2100.0, 2900.0), (0.20, 0.42, 0.38), 130.0)
    mask = a > 0
    va, vb = a[mask], b[mask]
    image = {name: create_image(values) for name, values in (("a", a), ("b", b))}
    inside = create_image(mask.astype(np.float32))

    def probe(values: np.ndarray) -> list[float]:
        return [round(float(v), 4) for v in values.ravel()[::EVERY]]

    def of(normalized) -> list[float]:
        return probe(normalized.get_data()[mask])

    np.random.seed(0)
    stripe = WhiteStripeNormalizer().fit(image["a"], inside)
    kde = KDENormalizer().fit(image["a"], inside)
    fcm = FCMNormalizer(max_iter=1000, error_threshold=1e-9).fit(image["a"], inside)
    fcm_gain = float(va[0] / fcm.transform(image["a"], inside).get_data()[mask][0])
    lsq = LSQNormalizer().fit_population([image["b"]], [inside])
    lsq_gain = float(lsq.transform(image["a"], inside).get_data()[mask][0] / va[0])
    nyul = NyulNormalizer().fit_population([image["a"], image["b"]], [inside, inside])
    zscore = ZScoreNormalizer().fit(image["a"], inside)
    body = va[va <= np.percentile(va, 96)]

    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, values in (("a", a), ("b", b), ("mask", mask.astype(np.float32))):
            paths.append(Path(folder, f"{name}.nii"))
            nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), paths[-1])
        landmarks = torchio.HistogramStandardization.train(paths[:2], mask_path=paths[2], progress=False)
    subject = torchio.Subject(t1=torchio.ScalarImage(tensor=a[None]), mask=torchio.LabelMap(tensor=mask[None].astype(np.uint8)))
    torch_out = torchio.HistogramStandardization({"t1": landmarks}, masking_method="mask")(subject).t1.numpy()[0]

    matcher = sitk.HistogramMatchingImageFilter()
    matcher.SetNumberOfHistogramLevels(4096)
    matcher.SetNumberOfMatchPoints(512)
    matcher.ThresholdAtMeanIntensityOff()
    line = [sitk.GetImageFromArray(v.reshape(1, 1, -1)) for v in (va, vb)]
    sitk_out = sitk.GetArrayFromImage(matcher.Execute(*line)).ravel()

    names = ["intensity-normalization", "SimpleITK", "scikit-image", "torchio", "scipy", "numpy", "nibabel", "scikit-fuzzy"]
    versions = {name: version(name) for name in names}
    golden = {
        "versions": versions,
        "every": EVERY,
        "a": [round(float(v), 1) for v in va],
        "b": [round(float(v), 1) for v in vb],
        "zscore": of(zscore.transform(image["a"], inside)),
        "whitestripe": {
            "mean": stripe.mean,
            "sd": stripe.std,
            "peak": last_peak(va, None),
            "gridStep": float(body.max() - body.min()) / 79,
        },
        "kde": {
            "asShipped": kde.tissue_mode,
            "peak": last_peak(va, float(body.max()) / 80),
            "gridStep": float(body.max() - body.min()) / 79,
        },
        "fcm": {"mean": fcm_gain},
        "lsq": {"standard": lsq.standard_tissue_means.ravel().tolist(), "gain": lsq_gain},
        "nyul": {
            "percentiles": nyul.percentiles.tolist(),
            "standard": nyul.standard_scale.tolist(),
            "landmarks": np.percentile(va, nyul.percentiles).tolist(),
            "out": of(nyul.transform(image["a"], inside)),
        },
        "torchio": {"landmarks": landmarks.tolist(), "out": probe(torch_out[mask])},
        "simpleitk": probe(sitk_out),
        "skimage": probe(match_histograms(va, vb)),
    }
    (HERE / "methods.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    lines = [f"{name}=={number}" for name, number in versions.items()]
    (HERE / "methods.requirements.txt").write_text("\n".join(lines) + "\n")


main()
