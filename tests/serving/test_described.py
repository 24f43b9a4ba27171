"""Whatever the description lets a client send, no answer is a fault of ours, and every answer is
one that the description has."""

import tempfile
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from demeanor.explain.pipeline import load_front
from demeanor.explain.reasoning.prototype import Prototype
from demeanor.serve.api import make_app
from demeanor.serve.desk import DEMO, Desk
from demeanor.serve.guard import LOOPBACK, Access
from demeanor.serve.sessions import Purpose, Sessions

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
N_EXAMPLES = 30  # of each route, each time


def _desk() -> Desk:
    folder = Path(tempfile.mkdtemp(prefix="demeanor-described-"))
    return Desk(Sessions(folder), {"prototype": Prototype()}, load_front("mesh"))


DESK = _desk()
HERE = Access(hosts=LOOPBACK | {"testserver"})  # as the client in this process calls it
SESSION = DESK.sessions.begin(Purpose.RESEARCH).session_id
schema = schemathesis.openapi.from_asgi("/openapi.json", make_app(DESK, HERE))
unhurried = settings(
    max_examples=N_EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck)
)


@schema.parametrize()
@unhurried
def test_strangers_get_answers_that_are_described(case) -> None:
    case.call_and_validate(checks=list(CHECKS))


@pytest.mark.parametrize("explained", [False, True], ids=["before", "after"])
@schema.parametrize()
@unhurried
def test_a_session_with_the_demo_clip_does_too(case, explained: bool) -> None:
    """Before it was explained, and after."""
    session = SESSION if explained else DESK.sessions.begin(Purpose.RESEARCH).session_id
    if explained and not DESK.clip(session, DEMO).explained:
        DESK.explain(session, DEMO)
    if case.path_parameters and "clip_id" in case.path_parameters:
        case.path_parameters["clip_id"] = DEMO
    if isinstance(case.body, dict) and "clip_id" in case.body:
        case.body["clip_id"] = DEMO
    case.call_and_validate(headers={"X-Demeanor-Session": session}, checks=list(CHECKS))
