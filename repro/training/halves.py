"""``refusing_halves``: while it is open, an image that ends early is refused and not filled up."""

from collections.abc import Iterator
from contextlib import contextmanager

from PIL import ImageFile


@contextmanager
def refusing_halves() -> Iterator[None]:
    """A library for PDFs lets PIL fill what is missing of an image with grey, in the whole process."""
    before = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before
