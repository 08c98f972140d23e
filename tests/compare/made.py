"""Samples with a known mean, and findings of each rule with its usual arguments filled in."""

from repro.compare import Levels, NoChange, Ordering, Point, Published, Sample, Trend

ALPHA = 0.05
ONE_LOOK = Levels(accept=ALPHA, against=ALPHA)
THREE_LOOKS = Levels(accept=0.0213, against=0.05 / 3)
REASON = "a reason"
TIGHT = (-0.1, 0.0, 0.1)
WIDE = (-10.0, 0.0, 10.0)


def sample(values, *, label="x", unit="%", step=0.01, runs=()):
    values = tuple(float(value) for value in values)
    return Sample(label=label, values=values, seeds=tuple(range(len(values))), unit=unit, step=step, runs=runs)


def around(mean, spread=TIGHT, **fields):
    return sample([mean + offset for offset in spread], **fields)


def rising_by(*means, spread=TIGHT):
    return [around(mean, spread, label=f"level {index}") for index, mean in enumerate(means)]


def known(value):
    """A reference without an error of its own."""
    return Published(value=value, sd=0.0, replicates=1, reading_error=0.0)


def digitised(value, u=0.3, sd=None, replicates=5):
    return Published(value=value, sd=sd, replicates=replicates, reading_error=u, version="v1")


def point(values, margin=1.0, reference=82.0, levels=ONE_LOOK):
    reference = reference if isinstance(reference, Published) else known(reference)
    return Point(margin=margin, reason=REASON).compare(levels=levels, sample=values, reference=reference)


def no_change(before, after, margin=1.0, centre=0.0, levels=ONE_LOOK):
    rule = NoChange(margin=margin, reason=REASON)
    return rule.compare(levels=levels, before=before, after=after, centre=centre)


def ordering(higher, lower, gap=0.0, levels=ONE_LOOK):
    return Ordering(gap=gap, reason=REASON).compare(levels=levels, higher=higher, lower=lower)


def trend(samples, margin=1.0, rising=True, levels=ONE_LOOK):
    return Trend(margin=margin, reason=REASON).compare(levels=levels, samples=samples, rising=rising)
