-- What is said in a review, in threads, each about the whole text or one field of it.
CREATE TABLE review_comments (
    id TEXT NOT NULL PRIMARY KEY,
    review_id TEXT NOT NULL REFERENCES reviews (id),
    reply_to TEXT REFERENCES review_comments (id),
    field TEXT CHECK (field IN (
        'title', 'problem', 'cause', 'solution', 'products', 'fault_codes', 'parts', 'tags', 'safety', 'hazard', 'lang'
    )),
    author_id TEXT NOT NULL REFERENCES users (id),
    body TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT;
CREATE INDEX review_comments_by_age ON review_comments (review_id, at, id);

INSERT INTO change_kinds (kind) VALUES ('review.commented');
