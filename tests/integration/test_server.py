"""The webhook as its clients see it: a real uvicorn over TLS on loopback, real connections."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from elfgate.errors import ElfgateError, InputError
from elfgate.policy.engine import EngineError
from elfgate.server import probe
from elfgate.server.readiness import readiness
from elfgate.server.run import bind
from elfgate.settings.doors import Listen
from support.serving import REVIEW, UID, Answer, Judging, Pki, Server, against, answer, until_metric


def test_a_review_is_answered_by_the_judge_within_its_deadline_less_the_margin(pki: Pki) -> None:
    told: list[float] = []

    @Judging
    async def judge(body: bytes, deadline: float) -> Answer:
        told.append(deadline)
        return answer(body, allowed=False, codes=("loader_missing",))

    async def check(server: Server) -> None:
        response = await server.review(query="?timeout=7s")
        assert response.status_code == 200
        assert response.headers["content-type"] == "application/json"
        assert response.json()["response"] == {"uid": UID, "allowed": False}
        assert 6.0 < told[0] <= 6.5
        metrics = (await server.client.get("/metrics")).text
        assert (
            'elfgate_reviews_total{decision="denied",outcome="judged",point="pod"} 1.0' in metrics
        )
        assert (
            'elfgate_findings_total{code="loader_missing",decision="denied",point="pod"} 1.0'
            in metrics
        )
        assert 'elfgate_review_seconds_count{decision="denied",point="pod"} 1.0' in metrics

    against(pki, check, judge=judge)


def test_head_and_body_come_in_one_tls_record(pki: Pki) -> None:
    def exchange(port: int) -> bytes:
        body = json.dumps(REVIEW).encode()
        with (
            socket.create_connection(("127.0.0.1", port)) as plain,
            pki.trusting().wrap_socket(plain, server_hostname="127.0.0.1") as connection,
        ):
            connection.sendall(
                b"POST /validate HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)
                + body
            )
            return connection.recv(65536)  # never more than one record

    async def check(server: Server) -> None:
        head, _, body = (await asyncio.to_thread(exchange, server.port)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK")
        assert json.loads(body)["response"]["uid"] == UID

    against(pki, check)


def test_a_connection_serves_one_review_after_another(pki: Pki) -> None:
    async def check(server: Server) -> None:
        peers = set()
        for _ in range(3):
            response = await server.review()
            peers.add(response.extensions["network_stream"].get_extra_info("client_addr"))
        assert len(peers) == 1

    against(pki, check)


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "chunked"])
def test_a_body_that_is_too_large_is_refused(pki: Pki, announced: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 100

    async def check(server: Server) -> None:
        content: Any = b" " * 4000 if announced else chunks()
        response = await server.client.post("/validate", content=content)
        assert (response.status_code, response.text) == (
            413,
            "a review may have at most 2000 bytes\n",
        )
        assert (await server.review()).status_code == 200

    against(pki, check, body_bytes=2000)


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b"\x00garbage", "the body is no JSON: unexpected character"),
        (b"[" * 100_000, "the body is no JSON"),
        (b"[]", "the body is not an AdmissionReview\n"),
        (b'{"kind": "AdmissionReview", "request": 1}', "the AdmissionReview has no request.uid\n"),
        (
            b'{"kind": "AdmissionReview", "request": {"uid": ""}}',
            "the AdmissionReview has no request.uid\n",
        ),
    ],
)
def test_a_body_that_is_no_review_is_refused_in_a_line(pki: Pki, body: bytes, line: str) -> None:
    @Judging
    async def judge(_body: bytes, _deadline: float) -> Answer:
        raise InputError("whatever the judge says of it")

    async def check(server: Server) -> None:
        response = await server.review(body)
        assert response.status_code == 400
        assert response.text.startswith(line)
        assert response.text.count("\n") == 1

    against(pki, check, judge=judge)


def test_wrong_methods_and_paths_are_named(pki: Pki) -> None:
    async def check(server: Server) -> None:
        wrong = await server.client.get("/validate")
        assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
        assert (await server.client.post("/healthz")).status_code == 405
        assert (await server.client.post("/mutate")).status_code == 404
        assert (await server.client.head("/healthz")).status_code == 200
        assert (await server.client.get("/healthz")).text == "ok\n"

    against(pki, check)


@pytest.mark.parametrize("fail", ["allow", "deny"])
def test_a_judge_that_hangs_is_answered_for_before_the_api_server_gives_up(
    pki: Pki, fail: str
) -> None:
    @Judging
    async def judge(_body: bytes, _deadline: float) -> Answer:
        await asyncio.Event().wait()
        raise AssertionError

    async def check(server: Server) -> None:
        async with asyncio.timeout(1):
            response = (await server.review(query="?timeout=1s")).json()["response"]
        assert_failed(response, fail, "elfgate could not judge: it was not done in time")
        metrics = (await server.client.get("/metrics")).text
        assert 'elfgate_failures_total{cause="timeout"} 1.0' in metrics

    against(pki, check, judge=judge, fail=fail, margin_seconds=1)


@pytest.mark.parametrize("fail", ["allow", "deny"])
@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ElfgateError("the engine\nfailed"), "the engine\nfailed"),
        (ZeroDivisionError(), "an internal error, which its log tells of"),
    ],
)
def test_a_judge_that_fails_is_answered_for(
    pki: Pki, fail: str, error: Exception, why: str
) -> None:
    @Judging
    async def judge(_body: bytes, _deadline: float) -> Answer:
        raise error

    async def check(server: Server) -> None:
        assert_failed(
            (await server.review()).json()["response"], fail, f"elfgate could not judge: {why}"
        )

    against(pki, check, judge=judge, fail=fail)


@pytest.mark.parametrize(
    ("namespace", "annotations", "allowed"),
    [("kube-system", {}, True), ("storage", {}, True), ("shop", {"kubernetes.io/config.mirror": "1"}, True),
     ("shop", {}, False)],
)  # fmt: skip
def test_what_a_cluster_needs_to_come_up_is_admitted_though_nothing_can_be_judged(
    pki: Pki, namespace: str, annotations: dict[str, str], allowed: bool
) -> None:
    @Judging
    async def judge(_body: bytes, _deadline: float) -> Answer:
        raise EngineError("OPA is not there")

    async def check(server: Server) -> None:
        obj = {"kind": "Pod", "apiVersion": "v1", "metadata": {"annotations": annotations}}
        request = REVIEW["request"] | {"namespace": namespace, "object": obj}
        response = (await server.review(REVIEW | {"request": request})).json()["response"]
        assert (response["uid"], response["allowed"]) == (UID, allowed)

    against(pki, check, judge=judge, fail="deny", exempt_namespaces=["storage"])


def test_an_error_that_nobody_expected_is_counted_and_logged_with_the_uid(
    pki: Pki, caplog: pytest.LogCaptureFixture
) -> None:
    @Judging
    async def judge(_body: bytes, _deadline: float) -> Answer:
        raise ZeroDivisionError

    async def check(server: Server) -> None:
        for _ in range(30):
            assert (await server.review()).status_code == 200
        text = (await server.client.get("/metrics")).text
        assert 'elfgate_unexpected_errors_total{where="review"} 30.0' in text

    against(pki, check, judge=judge)
    logged = [vars(each) for each in caplog.records if each.message == "unexpected error"]
    assert logged[0]["uid"] == UID
    assert "CONTRIBUTING" in logged[0]["report"]


def test_an_error_in_a_task_that_nobody_waits_for_is_counted(pki: Pki) -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    async def check(server: Server) -> None:
        task = asyncio.create_task(fail())
        await asyncio.sleep(0)
        del task
        await until_metric(server, 'elfgate_unexpected_errors_total{where="task"} 1.0')

    against(pki, check)


def assert_failed(response: dict[str, Any], fail: str, text: str) -> None:
    assert response["uid"] == UID
    if fail == "allow":
        assert response["allowed"]
        assert response["warnings"] == [text.replace("\n", " ")]
    else:
        assert not response["allowed"]
        assert response["status"]["reason"] == "Forbidden"
        assert response["status"]["message"] == text


def test_beyond_so_many_reviews_at_a_time_one_more_is_answered_at_once(pki: Pki) -> None:
    async def check_with(server: Server) -> None:
        first = asyncio.create_task(server.review())
        await entered.wait()
        shed = (await server.review()).json()["response"]
        assert shed["warnings"] == ["elfgate could not judge: too many reviews at a time"]
        leave.set()
        assert "warnings" not in (await first).json()["response"]

    entered, leave = asyncio.Event(), asyncio.Event()

    @Judging
    async def judge(body: bytes, _deadline: float) -> Answer:
        entered.set()
        await leave.wait()
        return answer(body)

    against(pki, check_with, judge=judge, in_flight=1)


def test_a_large_review_is_read_in_its_turn_and_answered_all_the_same(pki: Pki) -> None:
    async def check(server: Server) -> None:
        large = REVIEW | {"filler": "x" * 200_000}
        answers = await asyncio.gather(*(server.review(large) for _ in range(5)))
        assert {each.json()["response"]["uid"] for each in answers} == {UID}
        refused = await server.review(b" " * 200_000)
        assert refused.status_code == 400

    against(pki, check)


def test_a_review_that_trickles_in_is_given_up_at_its_own_deadline(pki: Pki) -> None:
    async def check(server: Server) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=pki.trusting())
        writer.write(
            b"POST /validate?timeout=50ms HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"
        )
        assert (await reader.readline()) == b"HTTP/1.1 408 Request Timeout\r\n"
        writer.close()
        await writer.wait_closed()

    against(pki, check)


def test_ready_means_that_every_check_holds(pki: Pki) -> None:
    missing = {"inventory": "no node is known", "bundle": ""}

    def check_of(name: str) -> Any:
        async def one() -> None:
            if missing[name]:
                raise ElfgateError(missing[name])

        return one

    async def check(server: Server) -> None:
        response = await server.client.get("/readyz")
        assert (response.status_code, response.text) == (
            503,
            "not ready: inventory: no node is known\n",
        )
        missing["inventory"] = ""
        assert (await server.client.get("/readyz")).text == "ready\n"
        assert "elfgate_ready 1.0" in (await server.client.get("/metrics")).text

    against(pki, check, ready=readiness({name: check_of(name) for name in missing}))


def test_a_port_in_use_is_told_in_a_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(
            InputError, match=rf"^port {port} on 127.0.0.1 is in use: set another port in listen"
        ):
            bind(Listen(), port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_that_is_not_ours_is_told_in_a_line(host: str) -> None:
    with pytest.raises(InputError, match=rf"^cannot listen on port 0 on {host}: "):
        bind(Listen(host=host), 0)


def test_reviews_are_steered_where_that_is_asked_for_and_never_refused(pki: Pki) -> None:
    @Judging
    async def steer(_body: bytes, _deadline: float) -> Answer:
        raise ElfgateError("no verdict")

    async def check(server: Server) -> None:
        response = await server.client.post("/mutate?timeout=5s", content=json.dumps(REVIEW))
        assert response.json()["response"]["allowed"]
        assert not (await server.review()).json()["response"]["allowed"]
        assert "/mutate" in (await server.client.get("/nothing")).text

    @Judging
    async def refuse(_body: bytes, _deadline: float) -> Answer:
        raise ElfgateError("no verdict")

    against(pki, check, judge=refuse, steer=steer, fail="deny")


def test_an_endpoint_that_does_not_answer_is_not_ready(pki: Pki) -> None:
    @Judging
    async def nothing(_body: bytes, _deadline: float) -> Answer:
        return Answer(b"nothing")

    async def check(server: Server) -> None:
        response = await server.client.get("/readyz")
        assert response.status_code == 503
        assert (
            response.text
            == "not ready: endpoint: its own endpoint does not answer a review as it must: status 200\n"
        )

    against(pki, check, judge=nothing)


def test_a_port_where_nobody_answers_is_told(pki: Pki) -> None:
    async def main() -> None:
        with (
            socket.create_server(("127.0.0.1", 0)) as silent,
            socket.create_server(("127.0.0.1", 0)) as closed,
        ):
            port = closed.getsockname()[1]
            closed.close()
            with pytest.raises(ElfgateError, match="its own endpoint does not answer"):
                await probe.answers("0.0.0.0", port, certificates_asked=False)  # noqa: S104
            with pytest.raises(
                ElfgateError, match=r"its own endpoint gave no answer within 0\.1 s"
            ):
                await probe.answers(
                    "127.0.0.1", silent.getsockname()[1], certificates_asked=False, seconds=0.1
                )

    asyncio.run(main())
