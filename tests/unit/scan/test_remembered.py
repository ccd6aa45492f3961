"""Memory holds a number of bytes of layers, and the images that these make up."""

from elfgate.rootfs.layer import Layer
from elfgate.scan.remembered import Remembered
from support.tarball import layer

ONE, TWO, THREE = (layer({f"file{number}": "x"}) for number in range(3))
EACH = ONE.memory


def remembered(layers: int) -> Remembered[str]:
    """Room for so many layers and half of one."""
    return Remembered(layers * EACH + EACH // 2)


def known(memory: Remembered[str], **layers: Layer) -> dict[str, bool]:
    return {name: memory.layer(name) is layer for name, layer in layers.items()}


def test_the_layer_used_longest_ago_goes_first() -> None:
    memory = remembered(2)
    memory.put_layer("one", ONE)
    memory.put_layer("two", TWO)
    assert memory.layer("one") is ONE
    memory.put_layer("three", THREE)
    assert known(memory, one=ONE, two=TWO, three=THREE) == {
        "one": True,
        "two": False,
        "three": True,
    }


def test_an_image_goes_with_any_of_its_layers() -> None:
    memory = remembered(2)
    memory.put_image("a", "image a", {"one": ONE, "two": TWO})
    assert memory.image("a") == "image a"
    memory.put_layer("three", THREE)
    assert memory.image("a") is None
    memory.put_image("a", "image a", {"one": ONE, "two": TWO})
    assert memory.image("a") == "image a"


def test_images_that_share_layers_take_no_more_room() -> None:
    memory = remembered(1)
    for name in "abc":
        memory.put_image(name, name, {"one": ONE})
    assert [memory.image(name) for name in "abc"] == ["a", "b", "c"]


def test_a_used_image_keeps_its_layers() -> None:
    memory = remembered(2)
    memory.put_image("a", "image a", {"one": ONE})
    memory.put_image("b", "image b", {"two": TWO})
    assert memory.image("a") == "image a"
    memory.put_layer("three", THREE)
    assert (memory.image("a"), memory.image("b")) == ("image a", None)


def test_the_last_image_stays_whatever_its_size() -> None:
    memory = remembered(1)
    memory.put_image("a", "image a", {"one": ONE, "two": TWO, "three": THREE})
    assert memory.image("a") == "image a"


def test_what_is_put_again_counts_once() -> None:
    memory = remembered(2)
    for _ in range(3):
        memory.put_layer("one", ONE)
        memory.put_image("a", "image a", {"one": ONE, "two": TWO})
    assert memory.image("a") == "image a"


def test_a_larger_layer_takes_more() -> None:
    assert layer({f"some/folder{number}/file": "x" for number in range(500)}).memory > 10 * EACH


def test_an_image_may_be_forgotten_without_its_layers() -> None:
    memory = remembered(2)
    memory.put_image("a", "image a", {"one": ONE})
    memory.forget("a")
    memory.forget("never known")
    assert (memory.image("a"), memory.layer("one")) == (None, ONE)
    memory.put_image("b", "image b", {"two": TWO})
    memory.put_layer("three", THREE)
    assert memory.image("b") == "image b"
