import numpy as np
import pytest
import torch

from dlvae.data.batches import BatchStream, to_model_range, to_uint8
from dlvae.data.dataset import Split


@pytest.fixture
def split():
    images = np.random.default_rng(0).integers(0, 256, (10, 8, 8, 3), dtype=np.uint8)
    images[:, 0, 0, 0] = np.arange(10)
    return Split(
        images=images,
        points=None,
        labels=np.arange(10) % 3,
        classes=("a", "b", "c"),
        factors=None,
        factor_names=(),
    )


def test_an_epoch_visits_every_image_once(split):
    stream = BatchStream(split, 4, per_step=1, seed_parts=("t",))
    seen = torch.cat([stream.indices(step) for step in range(5)])
    assert sorted(seen[:10].tolist()) == sorted(seen[10:20].tolist()) == list(range(10))
    assert seen[:10].tolist() != seen[10:20].tolist()


def test_a_batch_depends_on_the_step_alone(split):
    def stream():
        return BatchStream(split, 4, per_step=2, flip=True, pad_crop=2, seed_parts=("t", 1))

    sequential = stream()
    batches = [sequential.batch(step) for step in range(6)]
    again = stream().batch(5)
    assert torch.equal(batches[5].images, again.images)
    assert torch.equal(batches[5].labels, again.labels)
    noise = [torch.randn(3, generator=b.generator) for b in (batches[5], again)]
    assert torch.equal(*noise)
    assert not torch.equal(batches[4].images, batches[5].images)


def test_shapes_range_and_labels(split):
    batch = BatchStream(split, 4, per_step=3, seed_parts=("t",)).batch(0)
    assert batch.images.shape == (3, 4, 3, 8, 8) and batch.labels.shape == (3, 4)
    assert batch.images.min() >= -1 and batch.images.max() <= 1
    index = ((batch.images[:, :, 0, 0, 0] + 1) * 127.5).round().long()
    assert torch.equal(index % 3, batch.labels)


def test_flip_mirrors_about_half_and_nothing_else(split):
    plain = BatchStream(split, 200, seed_parts=("t",)).batch(0).images[0]
    flipped = BatchStream(split, 200, flip=True, seed_parts=("t",)).batch(0).images[0]
    same = (plain == flipped).flatten(1).all(1)
    mirrored = (plain.flip(3) == flipped).flatten(1).all(1)
    assert (same | mirrored).all() and 60 < int(mirrored.sum()) < 140


def test_crop_shifts_within_the_pad(split):
    image = np.zeros((1, 8, 8, 3), np.uint8)
    image[0, 4, 4] = 255
    one = Split(image, None, np.array([0]), ("a",), None, ())
    crops = BatchStream(one, 100, pad_crop=2, seed_parts=("t",)).batch(0).images[0, :, 0]
    rows, columns = torch.where(crops > 0)[1:]
    assert set(rows.tolist()) == set(columns.tolist()) == {2, 3, 4, 5, 6}


def test_uint8_round_trip_is_exact():
    values = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, 3)
    assert np.array_equal(to_uint8(to_model_range(values)), values)
    assert to_model_range(values).is_contiguous(memory_format=torch.channels_last)


def test_points_pass_unchanged():
    points = np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32)
    split = Split(None, points, np.arange(6) % 3, ("a", "b", "c"), None, ())
    stream = BatchStream(split, 3, per_step=2, seed_parts=("t",))
    batch = stream.batch(0)
    assert np.array_equal(batch.images.flatten(0, 1).numpy(), points[stream.indices(0).numpy()])
