"""
What Schemathesis is told about our APIs: who calls, and what a request that fits the schema may still be refused
for. It is loaded by `schemathesis run` (SCHEMATHESIS_HOOKS); documented-answers.fuzz.spec.ts starts that and reads
the figures that are written here.
"""

import atexit
import json
import os
import re
import zlib
from collections import Counter

import schemathesis
from schemathesis.core.failures import Failure
from schemathesis.specs.openapi.checks import unsupported_method

KEYS = json.loads(os.environ["FUZZ_KEYS"])
# Absent: each request comes from whoever may send it.
OTHERS = json.loads(os.environ.get("FUZZ_OTHER_KEYS", "{}"))
SEED = int(os.environ["FUZZ_SEED"])

statuses: Counter = Counter()
callers: Counter = Counter()
unanswered: list = []

# Rules that a JSON schema of one field can't say, by what their refusals say.
UNSAID_RULES = re.compile(
    "|".join(
        [
            r"goes without page\[page\]",
            r"goes with pending alone",
            r"goes not with (pending|postings)",
            r"goes with ROOT and EXCHANGE alone",
            r"is needed with (ROOT|EXCHANGE)",
            r"must be (before the end|after since|in the future|in the past)",
            r"must not be (in the future|a day that has not begun)",
            r"U\+0000 or an unpaired surrogate",
            r"must be a JSON object of at most",  # Metadata as a whole.
            r"must be a decimal above zero",
            r"must be a cursor|cursor",
            r"is needed where there are no postings",
            r"in all$",
            r"^(url|headers|legacySignature)",
        ]
    )
)
# Refused for what the ledger holds, not for how the request is written.
STATES = {"precondition_failed", "invalid_cursor", "page_too_deep", "payload_too_large"}


@schemathesis.hook
def before_call(context, case, kwargs):
    name, key = caller_of(case)
    callers[name] += 1
    if name == "as generated":
        return
    case.headers.pop("Authorization", None)
    if key is not None:
        case.headers["Authorization"] = f"Bearer {key}"


def caller_of(case):
    if not OTHERS:
        operator = case.operation.path.startswith("/v1/organizations")
        return ("operator", KEYS["operator"]) if operator else ("all scopes", KEYS["all scopes"])
    choices = [*OTHERS.items(), ("as generated", None)]
    # The same for the same request, so that what fails can be played again.
    drawn = zlib.crc32(f"{SEED} {case.operation.label} {case.query!r} {case.body!r}".encode("utf-8", "replace"))
    return choices[drawn % len(choices)]


@schemathesis.hook
def after_call(context, case, response):
    statuses[response.status_code] += 1


@schemathesis.hook
def after_network_error(context, case, request):
    unanswered.append(f"{request.method} {request.url}")


@schemathesis.check
def documented_code(ctx, response, case):
    """An error has the contract's shape, the id of its answer, and a code that the document gives this route."""
    request_id = (response.headers.get("x-request-id") or [None])[0]
    if not request_id:
        raise Failure(operation=case.operation.label, title="No X-Request-Id", message="the answer has none")
    if response.status_code < 400 or case.method.upper() == "HEAD" or response.request.method == "HEAD":
        return None
    try:
        error = json.loads(response.content)["error"]
        code = error["code"]
    except (ValueError, KeyError, TypeError):
        raise Failure(operation=case.operation.label, title="Not an error of ours", message=repr(response.content[:300]))
    if error["requestId"] != request_id or not error["message"]:
        raise Failure(operation=case.operation.label, title="Not an error of ours", message=json.dumps(error))
    if response.request.method != case.operation.method.upper():
        return None
    answer = case.operation.definition.raw.get("responses", {}).get(str(response.status_code), {})
    examples = answer.get("content", {}).get("application/json", {}).get("examples", {})
    if examples and code not in examples:
        raise Failure(operation=case.operation.label, title="Code is not documented", message=json.dumps(error))
    return None


@schemathesis.check
def undocumented_method(ctx, response, case):
    """Of a method that a path doesn't have; GET of a batch is GET of a transaction whose id is malformed."""
    is_transaction = case.operation.path == "/v1/transactions/batch" and response.request.method == "GET"
    return None if is_transaction else unsupported_method(ctx, response, case)


@schemathesis.check
def accepted_as_documented(ctx, response, case):
    """What fits the schema is refused for a rule that is known to be more than a schema can say, or for the state."""
    meta = case.meta
    if meta is None or not meta.generation.mode.is_positive or response.status_code not in (400, 406, 412, 413, 415):
        return None
    error = json.loads(response.content)["error"]
    told = [f"{detail['path']}: {detail['message']}" for detail in error.get("details", [])] or [error["message"]]
    if error["code"] in STATES or all(UNSAID_RULES.search(text) for text in told):
        return None
    raise Failure(operation=case.operation.label, title="Refused although it fits", message=json.dumps(error))


@atexit.register
def write_figures():
    figures = {
        "requests": sum(statuses.values()),
        "statuses": {str(status): count for status, count in sorted(statuses.items())},
        "callers": dict(callers),
        "unanswered": unanswered[:20],
    }
    with open(os.environ["FUZZ_FIGURES"], "w", encoding="utf-8") as file:
        json.dump(figures, file)
