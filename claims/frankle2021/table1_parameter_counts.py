"""Table 1: how many parameters each network has, and what share of them BatchNorm is."""

from repro.claim import ONE_LOOK, Source, claim
from repro.compare import AtMost, Printed
from repro.recipes import SCALES, built

# family, depth, width -> total, BatchNorm, output, shortcut; BatchNorm %, output %, shortcut %, as printed
TABLE = {
    ("cifar", 14, 1): ("175K", "1.12K", "650", "2.56K", "0.64", "0.37", "1.46"),
    ("cifar", 32, 1): ("467K", "2.46K", "650", "2.56K", "0.53", "0.14", "0.55"),
    ("cifar", 56, 1): ("856K", "4.26K", "650", "2.56K", "0.50", "0.08", "0.30"),
    ("cifar", 110, 1): ("1.73M", "8.29K", "650", "2.56K", "0.48", "0.04", "0.15"),
    ("cifar", 218, 1): ("3.48M", "16.4K", "650", "2.56K", "0.47", "0.02", "0.07"),
    ("cifar", 434, 1): ("6.98M", "32.5K", "650", "2.56K", "0.47", "0.01", "0.04"),
    ("cifar", 866, 1): ("14.0M", "64.7K", "650", "2.56K", "0.46", "0.01", "0.02"),
    ("wrn", 14, 1): ("175K", "1.12K", "650", "2.56K", "0.64", "0.37", "1.46"),
    ("wrn", 14, 2): ("696K", "2.24K", "1.29K", "10.2K", "0.32", "0.19", "1.47"),
    ("wrn", 14, 4): ("2.78M", "4.48K", "2.57K", "41.0K", "0.16", "0.09", "1.47"),
    ("wrn", 14, 8): ("11.1M", "8.96K", "5.13K", "164K", "0.08", "0.05", "1.48"),
    ("wrn", 14, 16): ("44.3M", "17.9K", "10.3K", "655K", "0.04", "0.02", "1.48"),
    ("wrn", 14, 32): ("177M", "35.8K", "20.5K", "2.62M", "0.02", "0.01", "1.48"),
    ("imagenet", 18, 1): ("11.7M", "9.6K", "513K", "172K", "0.08", "4.39", "1.47"),
    ("imagenet", 34, 1): ("21.8M", "17.0K", "513K", "172K", "0.08", "2.35", "0.79"),
    ("imagenet", 50, 1): ("25.6M", "53.1K", "2.05M", "2.77M", "0.21", "8.02", "10.83"),
    ("imagenet", 101, 1): ("44.6M", "105K", "2.05M", "2.77M", "0.24", "4.60", "6.22"),
    ("imagenet", 200, 1): ("64.7M", "176K", "2.05M", "2.77M", "0.27", "3.17", "4.28"),
}
PARTS = ("total", "batchnorm", "output", "shortcut")
LARGEST_SHARE = {"cifar": "0.64", "imagenet": "0.27"}
FAMILY = {"cifar": "cifar-resnet", "wrn": "cifar-resnet", "imagenet": "imagenet-resnet"}


def runs(scale, seed, family, depth, width):
    return {"network": built(family=FAMILY[family], depth=depth, width=width)}


@claim(
    id="table1",
    sentence="The networks have these numbers of parameters: in total, in BatchNorm, output and shortcuts.",
    source=Source(work="frankle2021", place="Table 1", tag="P", reference="18 networks, 7 numbers each"),
    rule=Printed(reason="a count is exact; a printed one is the exact one rounded to the printed digits"),
    grid=dict.fromkeys(SCALES, tuple({"family": f, "depth": d, "width": w} for f, d, w in TABLE)),
    runs=runs,
    depends_on=(),
    looks=ONE_LOOK,
    exact=True,
)
def test_table1(evidence, family, depth, width):
    counts, printed = evidence.counts("network"), TABLE[family, depth, width]
    for part, cell in zip(PARTS, printed, strict=False):
        evidence.find(label=part, measured=counts[part], printed=cell)
    for part, count, cell in zip(PARTS[1:], printed[1:4], printed[4:], strict=True):
        evidence.find(
            label=f"{part} %",
            measured=100 * counts[part] / counts["total"],
            printed=cell,
            implied=100 * number(count) / number(printed[0]),
        )


def number(printed):
    """The value of a printed count such as "1.73M"."""
    return float(printed.rstrip("KM")) * {"K": 1e3, "M": 1e6}.get(printed[-1], 1)


def runs_by_family(scale, seed, family):
    networks = [key for key in TABLE if FAMILY[key[0]] == FAMILY[family]]
    return {f"{f}-{d}-{w}": built(family=FAMILY[f], depth=d, width=w) for f, d, w in networks}


@claim(
    id="bn-share",
    sentence="BatchNorm is at most 0.64 % (CIFAR-10) and 0.27 % (ImageNet) of all parameters.",
    source=Source(work="frankle2021", place="Table 1", tag="P", reference="0.64 %, 0.27 %"),
    rule=AtMost(reason="a printed maximum holds for the exact number rounded to the same digits"),
    grid=dict.fromkeys(SCALES, ({"family": "cifar"}, {"family": "imagenet"})),
    runs=runs_by_family,
    depends_on=(),
    looks=ONE_LOOK,
    exact=True,
)
def test_bn_share(evidence, family):
    for arm in runs_by_family(evidence.scale, 0, family):
        counts = evidence.counts(arm)
        share = 100 * counts["batchnorm"] / counts["total"]
        evidence.find(label=f"{arm}, BatchNorm %", measured=share, printed=LARGEST_SHARE[family])
