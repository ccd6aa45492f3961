"""The documents of ``elfgate cache`` and ``elfgate warm``."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from elfgate.results.model import Headed, Model, schema
from elfgate.warm import State

if TYPE_CHECKING:
    from elfgate.store.exchange import Carried
    from elfgate.warm import Warmed


class CacheOutput(Headed):
    """``elfgate cache -o json``: what the store holds, after what was done."""

    schema_: str = schema("cache")

    store: str = Field(description="the file or URL, without a password")
    layers: int = Field(description="indexes of layers, of this version of elfgate")
    documents: int = Field(description="image indexes, manifests and configs")
    tags: int
    bytes: int = Field(description="of the file in use, or of all facts on the server")
    pruned: int = Field(description="facts dropped")
    facts_carried: int = Field(description="facts exported or imported")
    tags_carried: int = Field(description="tags exported or imported")
    passed_over: int = Field(
        description="layers' indexes of another version of elfgate in an imported file"
    )

    @classmethod
    def of(
        cls, store: str, statistics: Mapping[str, int], carried: "Carried", pruned: int
    ) -> "CacheOutput":
        """From the store's statistics."""
        return cls(
            store=store,
            layers=statistics["layers"],
            documents=statistics["documents"],
            tags=statistics["tags"],
            bytes=statistics["bytes"],
            pruned=pruned,
            facts_carried=carried.facts,
            tags_carried=carried.tags,
            passed_over=carried.passed_over,
        )


class WarmedOutput(Model):
    """The outcome of one image."""

    image: str
    state: Literal["read", "known", "failed"] = Field(description="known: the store had all of it")
    platforms: list[str] = Field(description="those that are in the store now")
    layers: int = Field(description="how many layers were read for it")
    message: str = Field(description="why it failed; empty if it did not")


class WarmOutput(Headed):
    """``elfgate warm -o json``."""

    schema_: str = schema("warm")

    shard: str = Field(description="I/N")
    read: int
    known: int
    failed: int
    images: list[WarmedOutput]

    @classmethod
    def of(cls, warmed: "Sequence[Warmed]", shard: str) -> "WarmOutput":
        """From what came of each image."""
        counts = Counter(each.state for each in warmed)
        return cls(
            shard=shard,
            read=counts[State.READ],
            known=counts[State.KNOWN],
            failed=counts[State.FAILED],
            images=[
                WarmedOutput(
                    image=each.image,
                    state=each.state.value,
                    platforms=[str(platform) for platform in each.platforms],
                    layers=each.layers,
                    message=each.message,
                )
                for each in warmed
            ],
        )
