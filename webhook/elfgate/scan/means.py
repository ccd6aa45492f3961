"""The parts that the scanner's questions share."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from elfgate.linkage.inputs import NodeFacts, Overrides, Snapshotter
from elfgate.platforms import Platform
from elfgate.scan.inquiry import Inquiry, Predictor
from elfgate.scan.located import Locate
from elfgate.scan.predictions import Predictions
from elfgate.scan.reader import Reader

NO_OVERRIDES = Overrides()
NO_FACTS = NodeFacts()


@dataclass(frozen=True, slots=True)
class Means:
    """How images are found, read, and asked about.

    Attributes:
        locate: Finds an image's source.
        reader: Reads images.
        predictor: Predicts starts of what was read.
        predictions: The same, remembered.
        by_upper: Tells whether images' natures do not matter now: then upper layers are read first,
            and no more if they decide a start.
        snapshotter: How the nodes unpack layers; None if that is not known.
    """

    locate: Locate
    reader: Reader
    predictor: Predictor
    predictions: Predictions
    by_upper: Callable[[], bool]
    snapshotter: Snapshotter | None

    def inquiry(
        self,
        platform: Platform,
        overrides: Overrides = NO_OVERRIDES,
        node: NodeFacts = NO_FACTS,
        *,
        explain: bool = False,
    ) -> Inquiry:
        """A question, with what is known of all nodes."""
        if self.snapshotter is not None:
            node = replace(node, snapshotter=self.snapshotter)
        return Inquiry(platform, overrides, node, explain)
