import numpy as np

from tfvae.serving.runtime import ExportedModel


def rows(*texts):
    return {"texts": np.array([text.encode() for text in texts], object)}


def slices(feeds):
    return ExportedModel._slices(object.__new__(ExportedModel), feeds)


def test_large_requests_are_cut_into_slices_that_make_up_the_whole():
    for feeds, sizes in (
        (rows("a"), [1]),
        (rows(*["a" * 30_000] * 3), [1, 1, 1]),
        (rows(*["ü" * 20_000] * 3), [2, 1]),
        (rows("a", "a", "a" * 40_000, "a"), [2, 1, 1]),
        ({"seed": np.arange(130), "z": np.zeros([130, 2])}, [64, 64, 2]),
    ):
        found = slices(feeds)
        for name, values in feeds.items():
            assert [len(one[name]) for one in found] == sizes
            assert np.array_equal(np.concatenate([one[name] for one in found]), values)
