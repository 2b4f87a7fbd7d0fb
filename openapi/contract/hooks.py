"""What schemathesis cannot know, and what it is to leave alone. Everything else is as it comes."""

import itertools
import json
import re

import schemathesis

# Longer heads are answered by the connection, without a body: 400 or 431, as the document's description says.
HEAD = 60_000

# An Idempotency-Key that leaves room for a number before it.
KEY = re.compile(r"[!-~]([ -~]{0,240}[!-~])?")
stories = itertools.count()

# What users.yaml logs in with.
PASSWORD = "eureka-demo-2026"


@schemathesis.serializer("application/x-ndjson")
def one_to_a_line(ctx, value):
    return json.dumps(value).encode()


@schemathesis.hook
def filter_case(ctx, case):
    parts = [*(case.query or {}).values(), *(case.headers or {}).values(), *(case.path_parameters or {}).values()]
    return sum(len(str(part)) for part in parts) < HEAD


def as_integers(value):
    """JSON Schema counts 1.0 among the integers; the service, like most programs, does not."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: as_integers(each) for name, each in value.items()}
    return [as_integers(each) for each in value] if isinstance(value, list) else value


@schemathesis.hook
def map_case(ctx, case):
    # Of cursors, positions, tips, facets and kinds of entries none that is made up is one. That they are refused is tested
    # by the project.
    made_up = ["cursor", "after", "tip", "facets"] + ["kind"] * (case.operation.path == "/v1/admin/audit")
    for name in made_up:
        if case.query:
            case.query.pop(name, None)
    # A position that nothing has reached yet is waited for, and then answered with 503: so the contract has it.
    if isinstance((case.query or {}).get("min_position"), int) and case.query["min_position"] > 100:
        case.query.pop("min_position")
    # Where the pattern of an entity tag is too much for its generator, it takes "0".
    for name in ("If-Match", "If-None-Match"):
        if case.headers and re.fullmatch(r"\w*", str(case.headers.get(name, "-"))):
            case.headers.pop(name)
    # A story that is played again is to be a new one: under the same key it would be given the reply of the first time, with the
    # id of what that story has removed.
    if case.headers and KEY.fullmatch(str(case.headers.get("Idempotency-Key", ""))):
        case.headers["Idempotency-Key"] = f"{next(stories)}-{case.headers['Idempotency-Key']}"
    # Only what may hold a number is set again: the tool judges anew what is set, and takes no file for a string of bytes.
    if isinstance(case.body, (dict, list)):
        case.body = as_integers(case.body)
    # A guessed password counts against the account: after ten, the tester could not log in either. Nor may the password
    # become another than what the tester logs in with.
    if case.operation.path == "/v1/auth/login" and isinstance(case.body, dict):
        if str(case.body.get("email", "")).endswith("@demo.example"):
            case.body["email"] = "nobody@elsewhere.example"
    if isinstance(case.body, dict) and "current_password" in case.body:
        for name in ("current_password", "password"):
            if isinstance(case.body.get(name), str):
                case.body[name] = PASSWORD
    return case
