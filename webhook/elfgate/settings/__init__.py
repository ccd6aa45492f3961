"""The settings of ``elfgate serve``: a YAML file, checked whole before anything starts.

What is not written has a default that is safe for a cluster: nothing is denied but what is certain,
and a review that cannot be judged is admitted with a warning. Paths are taken from the folder in
which elfgate was started.
"""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError

from elfgate import chart_values
from elfgate.errors import InputError
from elfgate.policy.settings import Policies
from elfgate.settings.admission import Admission
from elfgate.settings.cluster import Cluster, Nodes
from elfgate.settings.doors import Listen, Log, Tls
from elfgate.settings.images import ImageLimits, Notifications, Registries, Store
from elfgate.settings.model import Model
from elfgate.settings.names import ImageName
from elfgate.settings_file import document, problem


class Settings(Model):
    """All settings of ``elfgate serve``."""

    listen: Listen = Field(default=Listen(), description=Listen.__doc__)
    tls: Tls | None = Field(default=None, description=Tls.__doc__)
    nodes: Nodes = Field(default=Nodes(), description=Nodes.__doc__)
    cluster: Cluster = Field(default=Cluster(), description=Cluster.__doc__)
    store: Store = Field(default=Store(), description=Store.__doc__)
    images: dict[ImageName, str] = Field(
        default={},
        description="Images to read from elsewhere than their registry: reference → `oci:DIR`, "
        "`docker-archive:FILE`, …",
    )
    registries: Registries = Field(default=Registries(), description=Registries.__doc__)
    notifications: Notifications | None = Field(default=None, description=Notifications.__doc__)
    policies: Policies = Field(default=Policies(), description=Policies.__doc__)
    admission: Admission = Field(default=Admission(), description=Admission.__doc__)
    limits: ImageLimits = Field(default=ImageLimits(), description=ImageLimits.__doc__)
    isolation: Literal["required", "preferred", "none"] = Field(
        default="preferred",
        description="Whether confined processes look into images. Where this system cannot "
        "confine, `required` refuses to start, and `preferred` logs a warning and goes on. "
        "`none` never confines.",
    )
    log: Log = Field(default=Log(), description=Log.__doc__)
    traces: str = Field(default="", description="URL of a collector of OpenTelemetry traces.")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a YAML (or JSON) file.

        Raises:
            InputError: if the file cannot be read, is no YAML, or says what cannot be: one line a
                problem, each with the file, the key and what is wrong.
        """
        written = document(path)
        return cls.of(path, {} if written is None else written)

    @classmethod
    def read_values(cls, path: Path) -> Self:
        """Read a file of the chart's values, as far as verdicts follow from them.

        Raises:
            InputError: if the file cannot be read, is no YAML, or says what cannot be.
        """
        return cls.of(path, chart_values.of_file(path))

    @classmethod
    def of(cls, path: Path, written: object) -> Self:
        """Take what is written in a file.

        Raises:
            InputError: if it says what cannot be: one line a problem, each with the file, the key
                and what is wrong.
        """
        try:
            return cls.model_validate(written)
        except ValidationError as error:
            details = error.errors(include_url=False)
            problems = (f"{path}: {problem(detail, cls)}" for detail in details)
            raise InputError("\n".join(problems)) from None
