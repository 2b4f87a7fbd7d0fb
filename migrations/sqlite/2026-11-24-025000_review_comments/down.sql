DELETE FROM change_kinds WHERE kind = 'review.commented';
DROP TABLE review_comments;
