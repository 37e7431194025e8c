import threading

from tqdm_demo.inference.cache import BoundedCache


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
