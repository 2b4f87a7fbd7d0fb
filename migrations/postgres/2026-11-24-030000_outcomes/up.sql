CREATE TABLE outcomes (
    id uuid NOT NULL PRIMARY KEY,
    tip_id uuid NOT NULL,
    revision integer NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id),
    result text NOT NULL CHECK (result IN ('fixed', 'partly', 'not_fixed', 'not_applicable')),
    counting text NOT NULL CHECK (counting IN ('counted', 'own', 'replaced')),
    occasion text NOT NULL,
    minutes_spent integer CHECK (minutes_spent >= 0),
    minutes_saved integer CHECK (minutes_saved >= 0),
    product text,
    work_order text,
    note text,
    client_id text,
    happened_at timestamptz NOT NULL,
    reported_at timestamptz NOT NULL,
    seq bigint NOT NULL UNIQUE REFERENCES change_log (seq),
    CONSTRAINT "outcomes.client_id" UNIQUE (user_id, client_id),
    FOREIGN KEY (tip_id, revision) REFERENCES revisions (tip_id, number)
);
CREATE UNIQUE INDEX one_counted_outcome ON outcomes (tip_id, user_id, lower(occasion)) WHERE counting = 'counted';
CREATE INDEX outcomes_by_tip ON outcomes (tip_id, seq);

-- All but what may have to be erased of a person or a customer, and whether it counts.
CREATE TRIGGER outcomes_are_not_rewritten
BEFORE UPDATE OF id, tip_id, revision, user_id, result, occasion, minutes_spent, minutes_saved, client_id,
    happened_at, reported_at, seq ON outcomes
FOR EACH ROW EXECUTE FUNCTION refuse('outcomes');

-- What a tip's counted outcomes add up to: all of them under the empty product, and those of each product.
CREATE TABLE proofs (
    tip_id uuid NOT NULL REFERENCES tips (id),
    product text NOT NULL,
    fixed integer NOT NULL,
    partly integer NOT NULL,
    not_fixed integer NOT NULL,
    weight double precision NOT NULL,
    worth double precision NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (tip_id, product)
);

INSERT INTO change_kinds (kind) VALUES ('outcome.recorded');
