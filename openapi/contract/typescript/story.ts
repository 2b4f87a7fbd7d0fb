// The whole story with openapi-fetch on the types that openapi-typescript makes of the document: log in, submit, review,
// search, outcome, and what is refused. Nothing here is cast: what does not fit the document does not compile.

import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./eureka.js";

type Problem = components["schemas"]["Problem"];

const base = process.env.EUREKA_BASE;
if (!base) throw new Error("EUREKA_BASE: where the service is");
const password = "eureka-demo-2026";
const fault = `TS-${Date.now()}`;

function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

/** The data of a reply, or the problem that came instead. */
function expect<T>(what: string, reply: { data?: T; error?: Problem | unknown; response: Response }): T {
  if (reply.data === undefined) {
    throw new Error(`${what}: ${reply.response.status} ${JSON.stringify(reply.error)}`);
  }
  return reply.data;
}

async function loggedIn(login: string): Promise<Client<paths>> {
  const open = createClient<paths>({ baseUrl: base });
  const tokens = expect(
    "login",
    await open.POST("/v1/auth/login", { body: { email: `${login}@demo.example`, password } }),
  );
  return createClient<paths>({ baseUrl: base, headers: { Authorization: `Bearer ${tokens.access_token}` } });
}

const technician = await loggedIn("technician");
const reviewer = await loggedIn("reviewer");
const outsider = await loggedIn("outsider");

// Submit; and once more with the same key, as after a broken connection.
const submission = {
  params: { header: { "Idempotency-Key": fault } },
  body: {
    community: "office-printers",
    title: `DocuColor 40: intermittent ${fault}, clean the two fuse holders first`,
    problem: `${fault} comes and goes.`,
    solution: "Power off, pull both fuses, polish or replace the holders.",
    fault_codes: [fault],
    products: ["DocuColor 40"],
    submit: true,
  },
};
const tip = expect("submit", await technician.POST("/v1/tips", submission));
const again = await technician.POST("/v1/tips", submission);
check(expect("repeat", again).id === tip.id, "a repeated request makes no second tip");
check(again.response.headers.get("Idempotency-Replayed") === "true", "the repeated reply says so");
check(tip.review !== undefined && tip.review !== null, "a submitted tip has a review");

// Nobody decides their own tip; the problem's code says so.
const decision = { params: { path: { id: tip.review.id } }, body: { verdict: "approve" as const, revision: 1 } };
const own = await technician.POST("/v1/reviews/{id}/decisions", decision);
check(own.response.status === 403 && own.error !== undefined, "one's own tip is not for oneself");

// Review.
const queue = expect(
  "queue",
  await reviewer.GET("/v1/reviews", { params: { query: { community: "office-printers", limit: 100 } } }),
);
check(queue.items.some((review) => review.tip.id === tip.id), "the queue has it");
expect("claim", await reviewer.POST("/v1/reviews/{id}/claim", { params: { path: { id: tip.review.id } } }));
const decided = await reviewer.POST("/v1/reviews/{id}/decisions", decision);
expect("decide", decided);
const position = Number(decided.response.headers.get("Eureka-Position"));
check(position > 0, "the decision has a place in the log");

// Search, from the very position on.
const found = expect(
  "search",
  await outsider.GET("/v1/search", { params: { query: { q: fault, min_position: position } } }),
);
check(found.items[0]?.tip.id === tip.id, "the tip is found first");
const either = { q: fault, community: ["nowhere", tip.community] };
const there = expect("search in either", await outsider.GET("/v1/search", { params: { query: either } }));
check(there.items[0]?.tip.id === tip.id, "of a filter's values any will do");

// Use it, and say so.
expect(
  "outcome",
  await reviewer.POST("/v1/tips/{id}/outcomes", { params: { path: { id: tip.id } }, body: { result: "fixed" } }),
);
const read = await outsider.GET("/v1/tips/{id}", { params: { path: { id: tip.number } } });
const shown = expect("read", read);
check(shown.proof?.fixed === 1, "the outcome counts");

// What one has already is not sent again; what does not exist is a problem.
const known = await outsider.GET("/v1/tips/{id}", {
  params: { path: { id: tip.id }, header: { "If-None-Match": read.response.headers.get("ETag") ?? "" } },
});
check(known.response.status === 304, "304 for a known state");
const absent = await outsider.GET("/v1/tips/{id}", { params: { path: { id: "T-999999999" } } });
check(absent.response.status === 404 && absent.error?.code === "not_found", "404 has a code");

console.log(`typescript: ${tip.number} submitted, approved at ${position}, found, used`);
