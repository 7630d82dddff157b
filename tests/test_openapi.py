"""The service keeps what its own description promises, for requests that a machine invents."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance
from service import TOKENS, Service

CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    made = Service(tmp_path_factory.mktemp("service"), jobs={"slots": 0}, api={"patience_s": 2})
    made.add_episode()
    yield made.start()
    made.end()


def test_every_answer_is_as_described(service):
    owner = {"authorization": f"Bearer {TOKENS['boss']}"}
    schema = schemathesis.openapi.from_url(f"{service.url}/openapi.json", headers=owner)
    asked = []

    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(max_examples=12, deadline=None, derandomize=True, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def ask(case):
            asked.append(case.path)
            case.call_and_validate(checks=CHECKS, headers=owner, timeout=60)

        ask()
    assert len(set(asked)) >= 15
    assert "Traceback" not in service.log.read_text()
