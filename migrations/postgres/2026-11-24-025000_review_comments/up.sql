-- What is said in a review, in threads, each about the whole text or one field of it.
CREATE TABLE review_comments (
    id uuid NOT NULL PRIMARY KEY,
    review_id uuid NOT NULL REFERENCES reviews (id),
    reply_to uuid REFERENCES review_comments (id),
    field text CHECK (field IN (
        'title', 'problem', 'cause', 'solution', 'products', 'fault_codes', 'parts', 'tags', 'safety', 'hazard', 'lang'
    )),
    author_id uuid NOT NULL REFERENCES users (id),
    body text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX review_comments_by_age ON review_comments (review_id, at, id);

INSERT INTO change_kinds (kind) VALUES ('review.commented');
