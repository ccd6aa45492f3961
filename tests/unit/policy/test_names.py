"""Names and patterns of names in settings: what can match is taken, what never can is refused."""

import re

import pytest
from pydantic import TypeAdapter, ValidationError

from elfgate.policy.names import (
    ImagePattern,
    NamespaceKey,
    NamespacePattern,
    RepositoryPattern,
    WorkloadPattern,
)

HEX = "0123456789abcdef" * 4
NAMESPACES = TypeAdapter[str](NamespacePattern)
KEYS = TypeAdapter[str](NamespaceKey)
IMAGES = TypeAdapter[str](ImagePattern)
REPOSITORIES = TypeAdapter[str](RepositoryPattern)
WORKLOADS = TypeAdapter[str](WorkloadPattern)


@pytest.mark.parametrize("text", ["shop", "*", "team-*", "*-prod", "a*z", "0", "a" * 63])
def test_a_namespace_or_a_pattern_of_some(text: str) -> None:
    assert NAMESPACES.validate_python(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *("Shop", "Team-*", "shop_a", "shop ", " shop", "-shop", "shop-", "*-", "-*", "a.b"),
        *("shop/*", "team-?", "{a,b}", "^shop$", "a" * 64, "**", "a*b*", "", "élan"),
    ],
)
def test_what_no_namespace_is_called(text: str) -> None:
    with pytest.raises(ValidationError):
        NAMESPACES.validate_python(text)


@pytest.mark.parametrize(
    "text",
    [
        *("shop", "team-*", "stage=prod", "stage=", "stage=*", "stage=pro*", "a=1,b=2", "a=1,a=*"),
        *(
            "example.com/stage=prod",
            "kubernetes.io/metadata.name=shop",
            "App_1.x=A-b",
            f"a={HEX[1:]}",
        ),
    ],
)
def test_a_namespace_a_pattern_of_some_or_labels_of_theirs(text: str) -> None:
    assert KEYS.validate_python(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *("=prod", "stage==prod", "stage!=prod", "stage=prod,", "stage=prod,shop", "a=1, b=2"),
        *("stage=a*b*", "stage=a/b", "stage=-a", "Example.com/stage=a", "/stage=a", "a/b/c=d"),
        *("*=prod", "stage=prod web", f"a={HEX}", "Shop", "team-*,a=b", "stage in (a)=b", "="),
    ],
)
def test_what_no_label_of_a_namespace_is(text: str) -> None:
    with pytest.raises(ValidationError):
        KEYS.validate_python(text)


@pytest.mark.parametrize(
    "text",
    [
        *("nginx", "nginx:1.27", "library/nginx", "docker.io/library/nginx", "docker.io/*"),
        *("registry.example/team/*", "registry.example/team*", "*/app", "*:latest", "*", "a*z"),
        *("reg:5000/app", "reg:50*", "localhost/app", "*.example/app", "[::1]:5000/*", "nginx:1*"),
        *(
            f"nginx@sha256:{HEX}",
            f"*@sha256:{HEX}",
            "nginx@*",
            "nginx@sha256:*",
            "n*@sha256:" + HEX,
        ),
        *("nginx@sha256:01*", f"nginx@sha*{HEX}", f"*{HEX[10:]}", f"nginx@sha512:{HEX}{HEX}"),
        *("nginx@sha512:0*", "*APP", "nginx@*f", "Registry.Example/app", "nginx:V1"),
    ],
)
def test_an_image_or_a_pattern_of_some(text: str) -> None:
    assert IMAGES.validate_python(text) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("https://registry.example/app", "not a host name"),
        ("docker://nginx", "not a host name"),
        ("NGINX", "lower case"),
        ("nginx ", "not a repository's name"),
        ("nginx:", "not a tag"),
        ("nginx:a b", "not a tag"),
        ("registry.example/team/", "not a repository's name"),
        ("registry.example/team/?", "not a repository's name"),
        ("[a-z]*", "not a repository's name"),
        ("nginx@sha256:abc", "not a sha256"),
        ("nginx@sha256:xyz*", "not a sha256"),
        ("nginx@md5:*", "not a sha256"),
        (f"sha256:{HEX}", "a digest alone"),
        ("sha256:*", "a digest alone"),
        (HEX, "64 hexadecimal digits"),
        ("a*b*", "more than one"),
    ],
)
def test_what_no_image_is_called(text: str, why: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(why)):
        IMAGES.validate_python(text)


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("index.docker.io/library/nginx", "docker.io/library/nginx"),
        (f"nginx:1@sha256:{HEX}", f"nginx@sha256:{HEX}"),
        (f"reg:5000/app:1@sha256:{HEX}", f"reg:5000/app@sha256:{HEX}"),
        (f"reg:5000/app@sha256:{HEX}", f"reg:5000/app@sha256:{HEX}"),
    ],
)
def test_an_image_is_written_as_documents_have_it(text: str, taken: str) -> None:
    assert IMAGES.validate_python(text) == taken


@pytest.mark.parametrize("text", ["app:1", f"app@sha256:{HEX}", "reg:5000", "https://x/y", "App"])
def test_what_no_repository_is_called(text: str) -> None:
    with pytest.raises(ValidationError):
        REPOSITORIES.validate_python(text)


@pytest.mark.parametrize(
    "text",
    [
        *("web", "web*", "*", "*-web", "Deployment/web", "Deployment/*", "*/web", "Deployment*"),
        *("a.b", "Stateful*/db", "Rollout/web", "*t/web", "StatefulSet/db-*", "VMCluster/x"),
    ],
)
def test_a_workload_or_a_pattern_of_some(text: str) -> None:
    assert WORKLOADS.validate_python(text) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("deployment/web", "'deployment' is no kind"),
        ("Deployments/web", "'Deployments' is no kind: write Deployment"),
        ("Statefulset/web", "'Statefulset' is no kind: write StatefulSet"),
        ("Cronjobs/web", "'Cronjobs' is no kind: write CronJob"),
        ("Deployment /web", "'Deployment ' is no kind"),
        ("apps.Deployment/web", "is no kind"),
        ("Deployment/web/x", "'Deployment/web' is no kind"),
        ("/web", "'' is no kind"),
        ("Deployment/", "'' is no name"),
        ("Deployment/Web", "'Web' is no name"),
        ("Web", "'Web' is no name"),
        ("web_1", "'web_1' is no name"),
        ("web-", "'web-' is no name"),
    ],
)
def test_what_no_workload_is_called(text: str, why: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(why)):
        WORKLOADS.validate_python(text)
