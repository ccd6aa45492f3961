"""Rules of the user's own, each asked about one pod before it comes into force.

What cannot be told from a rule's text shows there: a variable that nothing binds, two values for one
name, a rule that asks itself, a finding put together of other parts.
"""

from collections.abc import Sequence

from elfgate.errors import InputError
from elfgate.policy.engine import Engine, EngineError, EngineTimeoutError
from elfgate.policy.golden import one_pod

_STRANGER = "is none of the pod's"
"""Said of a container or a platform that this pod may lack and another one have."""


async def try_each(engine: Engine, own: Sequence[str]) -> None:
    """Refuse rules that fail on a pod of one container that starts.

    A rule that runs out of time is not refused: a machine may be busy when it starts.

    Args:
        engine: Evaluates, and honours ``request.without``.
        own: The names of the rules.

    Raises:
        InputError: naming the first rule that fails, and why.
    """
    for name in own:
        others = [other for other in own if other != name]
        try:
            verdict = await engine.evaluate(one_pod().without(others))
        except EngineTimeoutError:
            continue
        except EngineError as error:
            raise InputError(f"the rule {name} fails: {error}") from None
        why = verdict.failed.get(name, "")
        if why and _STRANGER not in why:
            raise InputError(f"the rule {name} fails: {why}")
