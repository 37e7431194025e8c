import threading

import numpy as np
import torch

from tqdm_demo.inference.cache import BoundedCache, size_in_bytes
from tqdm_demo.model.image_encoder import ImageFeatures


def test_a_value_is_made_once():
    cache, made = BoundedCache(3), []

    def make() -> str:
        made.append(1)
        return "value"

    assert cache.get("key", make) == ("value", False)
    assert cache.get("key", make) == ("value", True)
    assert len(made) == 1
    assert cache.peek("other") is None


def test_the_longest_unused_goes_first():
    cache = BoundedCache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.peek("a") == 1  # used again, so "b" is the oldest now
    cache.put("c", 3)
    assert len(cache) == 2
    assert (cache.peek("a"), cache.peek("b"), cache.peek("c")) == (1, None, 3)


def test_heavy_values_make_room_for_themselves():
    cache = BoundedCache(10, weigh=len)
    cache.put("a", "1234")
    cache.put("b", "12345")
    cache.put("c", "123")  # 12 in all, so the oldest goes
    assert (cache.peek("a"), cache.peek("b"), cache.peek("c")) == (None, "12345", "123")
    cache.put("b", "1")  # replaced: its old weight does not count any more
    cache.put("d", "123456")
    assert len(cache) == 3
    cache.put("e", "12345678901")  # heavier than the limit: not kept, and drops no other
    assert cache.peek("e") is None and len(cache) == 3


def test_many_threads_never_exceed_the_limit():
    cache = BoundedCache(5)
    sizes = []

    def work(offset: int) -> None:
        for i in range(200):
            value, _ = cache.get((offset + i) % 17, lambda i=i: (offset + i) % 17)
            assert value == (offset + i) % 17
            sizes.append(len(cache))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sizes) == 1600 and max(sizes) <= 6 and len(cache) == 5


def test_sections_share_the_bound_and_no_key():
    cache = BoundedCache(3)
    first, second = cache.section(), cache.section()
    first.put("a", 1)
    second.put("a", 2)
    cache.put("a", 3)
    assert (first.peek("a"), second.get("a", lambda: 9), cache.peek("a")) == (1, (2, True), 3)
    second.clear()
    assert (first.peek("a"), second.peek("a"), cache.weight) == (1, None, 2)
    for key in "bcd":
        second.put(key, 4)
    assert (first.peek("a"), cache.weight) == (None, 3)


def test_bytes_of_what_is_inside_are_counted():
    assert size_in_bytes(np.zeros((3, 5), np.float32)) == size_in_bytes(torch.zeros(3, 5)) == 60
    features = ImageFeatures((torch.zeros(2), torch.zeros(3)), torch.zeros(5), torch.zeros(7))
    assert size_in_bytes(features) == 4 * (2 + 3 + 5 + 7)
    assert size_in_bytes([np.zeros(2, np.uint8), "text", None, {}]) == 2


def test_features_and_answers_of_the_published_sizes_share_one_bound():
    limit = 1024 * 2**20
    cache = BoundedCache(limit, size_in_bytes)
    for model in range(4):
        for window in range(6):  # of 512 x 512 pixels, one ViT-B model
            pyramid = (torch.empty(1, 768, side, side) for side in (128, 64, 32, 16))
            dense, whole = torch.empty(1, 512, 32, 32), torch.empty(1, 512)
            cache.put((model, window), ImageFeatures(tuple(pyramid), dense, whole))
            assert cache.weight <= limit
        for names in (19, 64):  # scores and similarities of a picture in windows
            cache.put((model, "answer", names), [np.empty((names, 400, 512), np.float32)] * 2)
            assert cache.weight <= limit
    assert cache.weight > limit / 2
    assert cache.peek((3, "answer", 64)) is not None and cache.peek((3, 5)) is not None
    assert cache.peek((0, 0)) is None
