import pytest

from repro.planning import quantities


@pytest.mark.parametrize(("text", "found"), [("90s", 90), ("45m", 2700), ("1.5h", 5400), ("2d", 172_800)])
def test_a_duration_has_one_unit(text, found):
    assert quantities.seconds(text) == found


@pytest.mark.parametrize("text", ["", "90", "h", "-1h", "1h30m", "1.h", "4 h", "4H", "\u0664h", "nan", "1e3s"])
def test_anything_else_is_refused_with_examples(text):
    with pytest.raises(ValueError, match="is not a duration; write 90s, 45m, 1.5h or 2d"):
        quantities.seconds(text)


@pytest.mark.parametrize(
    ("text", "found"), [("90s", "90s"), ("45m", "45m"), ("1.5h", "90m"), ("2d", "48h"), ("0s", "0s")]
)
def test_a_duration_is_written_as_it_is_read(text, found):
    assert quantities.text(quantities.seconds(text)) == found
    assert quantities.seconds(found) == quantities.seconds(text)


@pytest.mark.parametrize("seconds", [1000512.0, 1000511.9999999999, 12345678.5, 0.1, 0.0])
def test_every_duration_that_is_printed_can_be_read(seconds):
    assert quantities.seconds(quantities.text(seconds)) == pytest.approx(seconds)


def test_one_thing_is_counted_in_the_singular():
    assert [quantities.counted(count, "run") for count in (0, 1, 2)] == ["0 runs", "1 run", "2 runs"]
    assert [quantities.counted(count, "is", "are") for count in (1, 2)] == ["1 is", "2 are"]
