"""Features of the learnt photographs are measured once, and forgotten with the photographs."""

import io

import numpy as np

from dermai.data.cases import photograph_path
from dermai.files import sha256_bytes, write_bytes
from dermai.models.learnt_photographs import SUMMARIES, forget_features
from dermai.models.reference_backbone import appearance, kept_appearance
from tests.triage.referrals import paint


def test_a_withdrawn_photograph_and_summaries_made_with_it_are_gone_from_the_cache(tmp_path):
    images = []
    for number in range(3):
        content = io.BytesIO()
        paint(np.random.default_rng(number)).save(content, "JPEG")
        images.append(sha256_bytes(content.getvalue()))
        write_bytes(photograph_path(tmp_path, images[-1]), content.getvalue())
    cache = tmp_path / "cache"
    before = appearance(images, tmp_path, cache)
    write_bytes(cache / SUMMARIES / "old.safetensors", b"summary")
    forget_features(cache, images[:1])
    assert kept_appearance(cache).missing(images) == images[:1]
    assert not (cache / SUMMARIES).exists()
    assert np.array_equal(kept_appearance(cache).read(images[1:]), before[1:])


def test_without_kept_features_there_is_nothing_to_forget(tmp_path):
    forget_features(tmp_path, ["0" * 64])
    assert not list(tmp_path.iterdir())
