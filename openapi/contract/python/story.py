"""The whole story with the client that openapi-python-client makes of the document: log in, submit, review, search,
outcome, and what is refused."""

import os
import time
from typing import TypeVar

from eureka_client.api.outcomes import record_outcome
from eureka_client.api.reviews import claim_review, decide_review, list_reviews
from eureka_client.api.search import search_tips
from eureka_client.api.sessions import login
from eureka_client.api.tips import create_tip, read_tip
from eureka_client.client import AuthenticatedClient, Client
from eureka_client.models import (
    Login,
    NewDecision,
    NewOutcomeBody,
    NewTipBody,
    Problem,
    ResultWord,
    SearchBody,
    TipBody,
    TipProofBody,
    TipReviewBody,
    TokensBody,
    VerdictWord,
)

BASE = os.environ["EUREKA_BASE"]
FAULT = f"PY-{time.time_ns()}"
T = TypeVar("T")


def of_type(kind: type[T], value: object) -> T:
    """The value, which must be of this type: what is refused is a Problem."""
    assert isinstance(value, kind), value
    return value


def logged_in(who: str) -> AuthenticatedClient:
    body = Login(email=f"{who}@demo.example", password="eureka-demo-2026")
    tokens = of_type(TokensBody, login.sync(client=Client(BASE), body=body))
    return AuthenticatedClient(BASE, token=tokens.access_token, raise_on_unexpected_status=True)


technician, reviewer, outsider = logged_in("technician"), logged_in("reviewer"), logged_in("outsider")

# Submit; and once more with the same key, as after a broken connection.
text = NewTipBody(
    community="office-printers",
    title=f"DocuColor 40: intermittent {FAULT}, clean the two fuse holders first",
    problem=f"{FAULT} comes and goes.",
    solution="Power off, pull both fuses, polish or replace the holders.",
    fault_codes=[FAULT],
    products=["DocuColor 40"],
    submit=True,
)
tip = of_type(TipBody, create_tip.sync(client=technician, body=text, idempotency_key=FAULT))
again = create_tip.sync_detailed(client=technician, body=text, idempotency_key=FAULT)
assert of_type(TipBody, again.parsed).id == tip.id, "a repeated request makes no second tip"
assert again.headers["Idempotency-Replayed"] == "true"
review = of_type(TipReviewBody, tip.review)

# Nobody decides their own tip; the problem's code says so.
approval = NewDecision(verdict=VerdictWord.APPROVE, revision=1)
refused = of_type(Problem, decide_review.sync(review.id, client=technician, body=approval))
assert refused.status == 403, refused

# Review.
queue = list_reviews.sync(client=reviewer, community="office-printers", limit=100)
assert queue is not None and not isinstance(queue, Problem)
assert tip.id in [waiting.tip.id for waiting in queue.items], "the queue has it"
claimed = claim_review.sync_detailed(review.id, client=reviewer)
assert claimed.status_code == 200, claimed
decided = decide_review.sync_detailed(review.id, client=reviewer, body=approval)
assert decided.status_code == 201, decided
position = int(decided.headers["Eureka-Position"])

# Search, from the very position on.
found = of_type(SearchBody, search_tips.sync(client=outsider, q=FAULT, min_position=position))
assert found.items[0].tip.id == tip.id, "the tip is found first"
there = of_type(SearchBody, search_tips.sync(client=outsider, q=FAULT, community=["nowhere", tip.community]))
assert there.items[0].tip.id == tip.id, "of a filter's values any will do"

# Use it, and say so.
used = NewOutcomeBody(result=ResultWord.FIXED)
told = record_outcome.sync_detailed(str(tip.id), client=reviewer, body=used)
assert told.status_code == 201, told
read = read_tip.sync_detailed(tip.number, client=outsider)
assert of_type(TipProofBody, of_type(TipBody, read.parsed).proof).fixed == 1, "the outcome counts"

# What one has already is not sent again; what does not exist is a problem.
known = read_tip.sync_detailed(str(tip.id), client=outsider, if_none_match=read.headers["ETag"])
assert known.status_code == 304, known
absent = of_type(Problem, read_tip.sync("T-999999999", client=outsider))
assert absent.code == "not_found", absent

print(f"python: {tip.number} submitted, approved at {position}, found, used")
