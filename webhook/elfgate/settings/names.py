"""Names in settings, each refused where nothing can be called by it: it would do nothing, in silence.

Sources: Kubernetes, "Taints and Tolerations" (a taint is KEY=VALUE:EFFECT), "Labels and Selectors"
(the form of keys), "Runtime Class" (its name is a DNS subdomain), "Object Names and IDs";
distribution/reference (an image's name begins with its registry's host).
"""

import re
from typing import Annotated, TypeAlias

from pydantic import AfterValidator

from elfgate.errors import InputError
from elfgate.images.reference import Reference
from elfgate.policy.forms import FORMS, Part
from elfgate.policy.names import namespace_name

_STARS = r"*?\[\]!"  # what patterns of names are made of (fnmatch)
_STAR = re.compile(r"[*?\[]")
_TAINT = re.compile(rf"[-._/A-Za-z0-9{_STARS}]+")
_RUNTIME = re.compile(rf"[-.a-z0-9{_STARS}]+")
_REGISTRY = re.compile(r"[-.A-Za-z0-9]+(:[0-9]+)?|\[[0-9a-fA-F:]+\](:[0-9]+)?")


def _taint(text: str) -> str:
    prefix, slash, _ = text.partition("/")
    if slash and prefix != prefix.lower():
        raise ValueError(f"{text!r} is not a taint's key: what is before / is in lower case")
    if not _TAINT.fullmatch(text):
        raise ValueError(f"{text!r} is not a taint's key: leave its value and its effect out")
    return text


def _runtime(text: str) -> str:
    if not _RUNTIME.fullmatch(text):
        raise ValueError(
            f"{text!r} is not a RuntimeClass's name: a name has lower-case letters, digits, - and ."
        )
    return text


def _library(text: str) -> str:
    if not text or "/" in text:
        raise ValueError(
            f"{text!r} is not a library's name: write the name alone, such as libmydriver.so*"
        )
    return text


def _registry(text: str) -> str:
    if not _REGISTRY.fullmatch(text):
        raise ValueError(f"{text!r} is not a registry: write its host and port, such as reg:5000")
    return text


def _repositories(text: str) -> str:
    """Take a pattern of repositories, as images' familiar names have them."""
    begin, *further = _STAR.split(text)
    fault = FORMS["repository"].fault(begin, Part.BEGIN if further else Part.WHOLE)
    if not text or fault:
        raise ValueError(f"{text!r} is not a repository; {fault or 'write its name'}")
    return text


def _image(text: str) -> str:
    try:
        Reference.parse(text)
    except InputError as error:
        raise ValueError(f"{text!r} is not an image: {error.hint or error}") from None
    return text


NamespaceName: TypeAlias = Annotated[str, AfterValidator(namespace_name)]
TaintPattern: TypeAlias = Annotated[str, AfterValidator(_taint)]
RuntimePattern: TypeAlias = Annotated[str, AfterValidator(_runtime)]
LibraryPattern: TypeAlias = Annotated[str, AfterValidator(_library)]
RepositoriesPattern: TypeAlias = Annotated[str, AfterValidator(_repositories)]
RegistryHost: TypeAlias = Annotated[str, AfterValidator(_registry)]
ImageName: TypeAlias = Annotated[str, AfterValidator(_image)]
