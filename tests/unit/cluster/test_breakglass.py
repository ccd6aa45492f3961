"""What frees a locked cluster: the commands that are printed, and when the verb's options make sense."""

import json
import shlex

import pytest

from elfgate.cli.main import main
from elfgate.cluster.breakglass import Obstacle

TWO = ((0, "validate.elfgate.dev", "Fail"), (1, "b.elfgate.dev", "Ignore"))
OURS = Obstacle("validating", "elfgate", TWO, shared=False)


def test_the_commands_are_those_of_kubectl() -> None:
    assert OURS.remove == "kubectl delete validatingwebhookconfiguration elfgate"
    words = shlex.split(OURS.let_pass)
    assert words[:5] == [
        "kubectl",
        "patch",
        "validatingwebhookconfiguration",
        "elfgate",
        "--type=json",
    ]
    assert json.loads(words[6])[0] == {
        "op": "test",
        "path": "/webhooks/0/name",
        "value": "validate.elfgate.dev",
    }


def test_one_webhook_that_is_not_ignored_is_enough_to_refuse() -> None:
    assert OURS.refuses
    assert not Obstacle("mutating", "x", ((0, "x.elfgate.dev", "Ignore"),), shared=False).refuses


def test_what_holds_webhooks_of_others_is_never_deleted() -> None:
    shared = Obstacle("mutating", "x", ((1, "x.elfgate.dev", "Fail"),), shared=True)
    assert shared.remove == ""
    assert shared.patch[1]["path"] == "/webhooks/1/failurePolicy"


@pytest.mark.parametrize("option", ["--yes", "--configuration=elfgate"])
def test_clearing_takes_the_word_breakglass(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", option]) == 2
    assert "--breakglass" in capsys.readouterr().err
